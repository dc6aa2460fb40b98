#define _GNU_SOURCE
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../cellhost/kernel.h"
#include "../cellhost/text.h"

#define NO_MAGICLINKS 0x02U
#define NO_SYMLINKS 0x04U
#define BENEATH 0x08U

enum { MAX_ROOTS = 255, LONGEST_PIECE = 4095, ATTEMPTS = 16 };

static struct {
  int descriptors[MAX_ROOTS];
  int count;
  bool trusted, own;
} roots;

struct how_to_open {
  uint64_t flags, mode, resolve;
};

static int open_how(int folder, const char *path, int flags, uint64_t resolve) {
  struct how_to_open how = {
      .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
      .resolve = resolve | NO_SYMLINKS | NO_MAGICLINKS,
  };
  int descriptor = -1;
  /* EAGAIN: something was renamed while the kernel was on its way. */
  for (int i = 0; i < ATTEMPTS && descriptor < 0 && (i == 0 || errno == EAGAIN || errno == EINTR); i++)
    descriptor = (int)syscall(NR_OPENAT2, folder, path, &how, sizeof how);
  /* Moved out from under the root while the kernel was on its way. EXDEV is what a rename over file systems says. */
  if (descriptor < 0 && errno == EXDEV) errno = ESTALE;
  return descriptor;
}

/*
 * SECURITY: the paths were made canonical when the person's folder was looked up, so a symlink met now was put there
 * since, and following it would change another folder than the one agreed to.
 */
void open_roots(char **words) {
  roots.trusted = strcmp(*words, "trusted") == 0;
  roots.own = strcmp(*words, "own") == 0;
  if (!roots.trusted && !roots.own && strcmp(*words, "user") != 0)
    misuse("not trusted, user or own, argument", *words);
  for (words++; *words != NULL; words++) {
    if (**words != '/') misuse("not an absolute path, argument", *words);
    if (roots.count == MAX_ROOTS) fail(EXIT_CANNOT, "too many roots, argument", *words, E2BIG);
    int root = open_how(AT_FDCWD, *words, O_PATH | O_DIRECTORY, 0);
    if (root < 0) {
      bool gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
      fail(gone ? EXIT_SOURCE_GONE : EXIT_CANNOT, "open root", *words, errno);
    }
    roots.descriptors[roots.count++] = root;
  }
}

bool uses_trusted(void) { return roots.trusted; }

bool uses_own_marks(void) { return roots.own; }

int take_root(struct reader *reader) {
  uint8_t number = take_u8(reader);
  if (number >= roots.count) malformed(reader, "no such root");
  return roots.descriptors[number];
}

void take_place(struct reader *reader, struct place *place) {
  place->root = take_root(reader);
  uint8_t held = take_u8(reader);
  if (held > 1) malformed(reader, "neither held nor not");
  place->held = held == 1;
  place->device = place->held ? take_u64(reader) : 0;
  place->inode = place->held ? take_u64(reader) : 0;
  place->path = take_text(reader, &place->length);
}

/* Names between single slashes, none of them a dot or two: what else there may be is nobody's spelling of a place. */
static bool is_plain(const struct place *place) {
  const char *at = place->path, *end = at + place->length;
  while (at < end) {
    const char *slash = memchr(at, '/', (size_t)(end - at));
    const char *next = slash != NULL ? slash : end;
    size_t length = (size_t)(next - at);
    if (length == 0 || (length <= 2 && memcmp(at, "..", length) == 0) || next + 1 == end) return false;
    at = next + 1;
  }
  return true;
}

/*
 * The kernel takes paths of up to 4095 bytes, and folders are nested deeper than that: a longer one is walked in pieces,
 * each below the last. No link and no dots are in it, so that no piece leads out of the one before.
 */
static int open_below(int root, char *path, size_t length, int flags) {
  int folder = root;
  while (length > LONGEST_PIECE) {
    char *slash = memrchr(path, '/', LONGEST_PIECE + 1);
    if (slash == NULL) break; /* a name that no file system has: the kernel says so */
    *slash = '\0';
    int next = open_how(folder, path, O_PATH | O_DIRECTORY, BENEATH);
    *slash = '/';
    if (folder != root) close(folder);
    if (next < 0) return -1;
    length -= (size_t)(slash + 1 - path);
    path = slash + 1;
    folder = next;
  }
  int descriptor = open_how(folder, length == 0 ? "." : path, flags, BENEATH);
  if (folder != root) {
    int error = errno;
    close(folder);
    errno = error;
  }
  return descriptor;
}

/* Closes it and says why; for use as a descriptor. */
static int give_up(int descriptor, int error) {
  close(descriptor);
  errno = error;
  return -1;
}

static int check_held(const struct place *place, int descriptor, struct stat *status) {
  if (fstat(descriptor, status) != 0) return give_up(descriptor, errno);
  bool same = status->st_dev == place->device && status->st_ino == place->inode;
  return place->held && !same ? give_up(descriptor, ESTALE) : descriptor;
}

static int open_plain(const struct place *place, int flags, struct stat *status) {
  if (!is_plain(place)) {
    errno = EINVAL;
    return -1;
  }
  int descriptor = open_below(place->root, place->path, place->length, flags | O_NOFOLLOW);
  return descriptor < 0 ? -1 : check_held(place, descriptor, status);
}

int open_place(const struct place *place, struct stat *status) { return open_plain(place, O_PATH, status); }

int open_folder(const struct place *place) {
  struct stat status;
  return open_plain(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK, &status);
}

int open_parent(const struct place *place, const char **name) {
  if (place->length == 0 || !is_plain(place)) {
    errno = EINVAL;
    return -1;
  }
  char *slash = memrchr(place->path, '/', place->length);
  *name = slash == NULL ? place->path : slash + 1;
  if (slash == NULL) return open_below(place->root, place->path, 0, O_PATH | O_DIRECTORY);
  *slash = '\0';
  int folder = open_below(place->root, place->path, (size_t)(slash - place->path), O_PATH | O_DIRECTORY);
  *slash = '/';
  return folder;
}

struct way way_to(int descriptor) {
  struct way way = {.bytes = "/proc/self/fd/"};
  size_t length = strlen(way.bytes);
  char digits[12];
  size_t count = 0;
  do digits[count++] = (char)('0' + descriptor % 10);
  while ((descriptor /= 10) != 0);
  while (count > 0) way.bytes[length++] = digits[--count];
  way.bytes[length] = '\0';
  return way;
}

/* SECURITY: by the descriptor that was looked at, not by the name, behind which a FIFO or a device may stand by now. */
int open_content(int descriptor, const struct stat *status) {
  if (!S_ISREG(status->st_mode)) {
    errno = S_ISDIR(status->st_mode) ? EISDIR : S_ISLNK(status->st_mode) ? ELOOP : EOPNOTSUPP;
    return -1;
  }
  return open(way_to(descriptor).bytes, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}
