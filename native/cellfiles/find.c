/*
 * Looks through a whole tree for names, and tells what has one of them. It goes from folder to folder by open descriptors
 * and single names, through no link, so that it never leaves what it was in when it was opened.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "entry.h"
#include "operations.h"
#include "roots.h"
#include "wanted.h"

enum { LEVELS = 64, BUFFER = 32768 };

/* As the kernel writes it. */
struct listed {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

/* One open folder on the way down. A level keeps what it has read, or each return to it would read it again. */
struct level {
  int descriptor;
  long at, end;
  size_t path;   /* length of its own path */
  bool all_links; /* below a name that is wanted as a tree */
  char buffer[BUFFER] __attribute__((aligned(8)));
};

static struct {
  struct level levels[LEVELS];
  int depth;
  uint64_t left; /* entries that may still be looked at */
  char path[MAX_PATH + 1];
} search;

static void put_head(struct answers *answers, uint8_t kind, size_t length) {
  put_u8(answers, kind);
  put_text(answers, search.path, length);
}

/* The length of the path with this name behind it; 0 where it would be longer than can be said. */
static size_t add_name(size_t length, const char *name, size_t name_length) {
  if (length + name_length + 1 > MAX_PATH) return 0;
  if (length > 0) search.path[length++] = '/';
  memcpy(search.path + length, name, name_length + 1);
  return length + name_length;
}

/*
 * One that went since the folder was read is none. A folder that can be read and not entered is asked for by itself, and
 * then refused as a whole, so that another may try; and so is one too deep for as many descriptors as we have.
 */
static int put_found(struct answers *answers, const struct level *level, const char *name, size_t length) {
  struct stat status;
  int descriptor = openat(level->descriptor, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return 0;
  if (descriptor < 0 && search.depth == 1) return failed(answers, "enter folder");
  if (descriptor < 0) {
    put_head(answers, FOUND_UNREAD, level->path);
    return 0;
  }
  int error = 0;
  if (fstat(descriptor, &status) != 0) error = failed(answers, "look at an entry of");
  if (error == 0) {
    put_head(answers, FOUND_ENTRY, length);
    error = put_entry(answers, descriptor, &status, false);
  }
  close(descriptor);
  return error;
}

/* A folder that cannot be entered is told; one that is gone, or is none any more, is not. */
static void enter(struct answers *answers, const struct level *from, const char *name, size_t length, bool all_links) {
  if (search.depth == LEVELS) {
    put_head(answers, FOUND_UNREAD, length);
    return;
  }
  int descriptor = openat(from->descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) put_head(answers, FOUND_UNREAD, length);
    return;
  }
  struct level *level = &search.levels[search.depth++];
  level->descriptor = descriptor;
  level->at = level->end = 0;
  level->path = length;
  level->all_links = all_links;
}

static uint8_t type_of(int folder, const struct listed *listed) {
  struct stat status;
  if (listed->type != DT_UNKNOWN) return listed->type;
  if (fstatat(folder, listed->name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return S_ISDIR(status.st_mode) ? DT_DIR : S_ISLNK(status.st_mode) ? DT_LNK : DT_REG;
}

static int look_at(struct answers *answers, const struct level *level, const struct listed *listed) {
  size_t name_length = strlen(listed->name);
  bool dots = listed->name[0] == '.' && (name_length == 1 || (name_length == 2 && listed->name[1] == '.'));
  if (dots) return 0;
  uint8_t type = type_of(level->descriptor, listed);
  unsigned as = wanted_as(listed->name, name_length);
  bool link = type == DT_LNK && ((as & WANTED_LINK) != 0 || level->all_links);
  if ((as & WANTED_ENTRY) == 0 && !link && type != DT_DIR) return 0;
  size_t length = add_name(level->path, listed->name, name_length);
  if (length == 0) {
    put_head(answers, FOUND_CUT, level->path);
    return 0;
  }
  int error = (as & WANTED_ENTRY) != 0 || link ? put_found(answers, level, listed->name, length) : 0;
  if (error == 0 && type == DT_DIR)
    enter(answers, level, listed->name, length, level->all_links || (as & WANTED_TREE) != 0);
  return error;
}

/* False: the folder has been read to its end. */
static bool read_more(struct level *level) {
  if (level->at < level->end) return true;
  level->end = syscall(SYS_getdents64, level->descriptor, level->buffer, BUFFER);
  level->at = 0;
  return level->end > 0;
}

static int search_on(struct answers *answers) {
  while (search.depth > 0) {
    struct level *level = &search.levels[search.depth - 1];
    if (!read_more(level)) {
      close(level->descriptor);
      search.depth--;
      continue;
    }
    const struct listed *listed = (const struct listed *)(level->buffer + level->at);
    level->at += listed->length;
    /* What is written over it has not been read yet. */
    search.path[level->path] = '\0';
    if (search.left-- == 0) {
      put_head(answers, FOUND_CUT, level->path);
      return 0;
    }
    int error = look_at(answers, level, listed);
    if (error != 0) return error;
  }
  return 0;
}

int find_names(struct reader *request, struct answers *answers) {
  struct place place;
  take_place(request, &place);
  search.left = take_u64(request);
  take_wanted(request);
  int descriptor = open_folder(&place);
  if (descriptor < 0) return failed(answers, "open folder");
  memcpy(search.path, place.path, place.length + 1);
  search.levels[0].descriptor = descriptor;
  search.levels[0].at = search.levels[0].end = 0;
  search.levels[0].path = place.length;
  search.levels[0].all_links = false;
  search.depth = 1;
  int error = search_on(answers);
  while (search.depth > 0) close(search.levels[--search.depth].descriptor);
  return error;
}
