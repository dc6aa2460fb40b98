#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attributes.h"
#include "content.h"
#include "entry.h"
#include "operations.h"
#include "roots.h"
#include "written.h"

enum { BLOCK = 512, UNFINISHED = 0600, UNFINISHED_FOLDER = 0700 };

/* What is made, and where. */
struct made {
  int folder;
  const char *name;
  const struct as *as;
};

/* Whether the name still leads to it: what is put in it next goes by that name. */
static bool is_in_place(int descriptor, const struct made *made) {
  struct stat own, there;
  return fstat(descriptor, &own) == 0 && fstatat(made->folder, made->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

/* Takes away what was made and could not be finished, unless something else stands there by now. */
static void undo(const struct made *made, int descriptor, int flag) {
  if (is_in_place(descriptor, made)) unlinkat(made->folder, made->name, flag);
}

/* Whoever writes to the source meanwhile gets no copy that is neither the old nor the new. */
static int check_unchanged(int from, const struct stat *before, struct answers *answers) {
  struct stat after;
  if (fstat(from, &after) != 0) return failed(answers, "look at the source again");
  bool same = after.st_size == before->st_size && after.st_mtim.tv_sec == before->st_mtim.tv_sec &&
              after.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
  return same ? 0 : failed_by(answers, "copy a file that is being written", ESTALE);
}

static int fill_file(int from, int to, const struct stat *status, const struct as *as, struct answers *answers) {
  uint64_t size = (uint64_t)status->st_size, stored = (uint64_t)status->st_blocks * BLOCK;
  int error = copy_content(from, to, size, stored, answers);
  if (error == 0) error = check_unchanged(from, status, answers);
  if (error == 0) error = give_attributes(to, as, from, answers);
  return error == 0 ? put_changed(answers, to) : error;
}

static int copy_file(int source, const struct stat *status, const struct made *made, struct answers *answers) {
  int from = open_content(source, status);
  if (from < 0) return failed(answers, "open the source");
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int to = openat(made->folder, made->name, flags, UNFINISHED);
  int error = to < 0 ? failed(answers, "make file") : fill_file(from, to, status, made->as, answers);
  if (to >= 0 && error != 0) undo(made, to, 0);
  if (to >= 0) close(to);
  close(from);
  return error;
}

/* Opens what was made a moment ago, and looks whether it is of that kind: -1 with errno. */
static int open_made(const struct made *made, mode_t type, struct stat *status) {
  int descriptor = openat(made->folder, made->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return -1;
  if (fstat(descriptor, status) == 0 && (status->st_mode & S_IFMT) == type) return descriptor;
  close(descriptor);
  errno = ESTALE;
  return -1;
}

/* Whether a folder has nothing in it but its two dots. */
static bool is_empty(int descriptor) {
  /* As the kernel writes it: inode, offset, length and type of each entry, and its name. */
  char buffer[512] __attribute__((aligned(8)));
  enum { LENGTH_AT = 16, NAME_AT = 19 };
  int folder = open(way_to(descriptor).bytes, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
  if (folder < 0) return false;
  bool empty = true;
  long got = 0;
  while (empty && (got = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0)
    for (long at = 0; at < got; at += *(const uint16_t *)(const void *)(buffer + at + LENGTH_AT)) {
      const char *name = buffer + at + NAME_AT;
      if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) empty = false;
    }
  close(folder);
  return empty && got == 0;
}

/*
 * SECURITY: the kernel makes a folder and opens it in two calls, and between them another may be moved to its place: what is
 * finished then gets an owner and bits that nobody decided on. What was made a moment ago is empty, and belongs to us
 * with bits for nobody else, or, where a file system gives all to one owner, to whom it is meant for.
 */
static bool is_just_made(int descriptor, const struct stat *status, const struct made *made) {
  bool ours = status->st_uid == geteuid() && (status->st_mode & 0077) == 0;
  return (ours || status->st_uid == made->as->uid) && is_empty(descriptor);
}

static int finish_made(int descriptor, const struct made *made, int from, struct answers *answers) {
  int error = give_attributes(descriptor, made->as, from, answers);
  return error == 0 ? put_changed(answers, descriptor) : error;
}

static int copy_symlink(int source, const struct made *made, struct answers *answers) {
  char target[4097];
  struct stat status;
  ssize_t length = readlinkat(source, "", target, sizeof target);
  if (length < 0) return failed(answers, "read symlink");
  if (length == sizeof target) return failed_by(answers, "read symlink", ENAMETOOLONG);
  target[length] = '\0';
  if (symlinkat(target, made->folder, made->name) != 0) return failed(answers, "make symlink");
  int descriptor = open_made(made, S_IFLNK, &status);
  if (descriptor < 0) return failed(answers, "open what was made");
  int error = finish_made(descriptor, made, source, answers);
  if (error != 0) undo(made, descriptor, 0);
  close(descriptor);
  return error;
}

static int copy_to(int source, const struct stat *status, const struct made *made, struct answers *answers) {
  return S_ISLNK(status->st_mode) ? copy_symlink(source, made, answers) : copy_file(source, status, made, answers);
}

int copy_entry(struct reader *request, struct answers *answers) {
  struct place from, to;
  struct as as;
  struct stat status;
  take_place(request, &from);
  take_place(request, &to);
  take_as(request, &as);
  take_end(request);
  int source = open_place(&from, &status);
  if (source < 0) return failed(answers, "open the source");
  struct made made = {.as = &as};
  made.folder = open_parent(&to, &made.name);
  int error = made.folder < 0 ? failed(answers, "open the target's folder") : 0;
  if (error == 0) note_written(made.folder);
  if (error == 0) error = copy_to(source, &status, &made, answers);
  if (made.folder >= 0) close(made.folder);
  close(source);
  return error;
}

/* One name of an open folder to one of another. */
static int copy_name(int folder, const char *name, const struct made *made, struct answers *answers) {
  struct stat status;
  int source = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0) return failed(answers, "open the source");
  int error = fstat(source, &status) == 0 ? copy_to(source, &status, made, answers) : failed(answers, "look at the source");
  close(source);
  return error;
}

static int copy_names(int from, int to, struct reader *names, struct answers *answers) {
  int error = 0;
  while (error == 0 && names->at < names->end) {
    struct as as;
    const char *source = take_name(names);
    struct made made = {.folder = to, .name = take_name(names), .as = &as};
    take_as(names, &as);
    error = copy_name(from, source, &made, answers);
  }
  return error;
}

/* All are read before the first is copied: what is malformed makes nothing. */
static void check_names(struct reader names) {
  struct as as;
  while (names.at < names.end) {
    take_name(&names);
    take_name(&names);
    take_as(&names, &as);
  }
}

int copy_files(struct reader *request, struct answers *answers) {
  struct place from, to;
  struct stat status;
  take_place(request, &from);
  take_place(request, &to);
  check_names(*request);
  int source = open_place(&from, &status);
  if (source < 0) return failed(answers, "open the source's folder");
  int target = open_place(&to, &status);
  int error = target < 0 ? failed(answers, "open the target's folder") : 0;
  if (error == 0) note_written(target);
  if (error == 0) error = copy_names(source, target, request, answers);
  if (target >= 0) close(target);
  close(source);
  return error;
}

static int make_and_finish(const struct made *made, struct answers *answers) {
  struct stat status;
  if (mkdirat(made->folder, made->name, UNFINISHED_FOLDER) != 0) return failed(answers, "make folder");
  int descriptor = open_made(made, S_IFDIR, &status);
  if (descriptor < 0) return failed(answers, "open what was made");
  bool made_now = is_just_made(descriptor, &status, made);
  int error = made_now ? finish_made(descriptor, made, -1, answers) : failed_by(answers, "open what was made", ESTALE);
  if (error == 0 && !is_in_place(descriptor, made)) error = failed_by(answers, "finish what was made", ESTALE);
  if (error != 0 && made_now) undo(made, descriptor, AT_REMOVEDIR);
  close(descriptor);
  return error;
}

int make_folder(struct reader *request, struct answers *answers) {
  struct place place;
  struct as as;
  take_place(request, &place);
  take_as(request, &as);
  take_end(request);
  struct made made = {.as = &as};
  made.folder = open_parent(&place, &made.name);
  if (made.folder < 0) return failed(answers, "open its folder");
  note_written(made.folder);
  int error = make_and_finish(&made, answers);
  close(made.folder);
  return error;
}

int set_attributes(struct reader *request, struct answers *answers) {
  struct place place, from;
  struct as as;
  struct stat status, source_status;
  take_place(request, &place);
  take_as(request, &as);
  take_place(request, &from);
  take_end(request);
  int target = open_place(&place, &status);
  if (target < 0) return failed(answers, "open");
  int source = open_place(&from, &source_status);
  int error = source < 0 ? failed(answers, "open the source") : 0;
  if (error == 0) note_written(target);
  if (error == 0) error = give_attributes(target, &as, source, answers);
  if (error == 0) error = put_changed(answers, target);
  if (source >= 0) close(source);
  close(target);
  return error;
}
