#define _GNU_SOURCE
#include "entry.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attributes.h"
#include "own-files.h"
#include "roots.h"

static uint8_t type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return TYPE_FILE;
    case S_IFDIR: return TYPE_DIRECTORY;
    case S_IFLNK: return TYPE_SYMLINK;
    case S_IFIFO: return TYPE_FIFO;
    case S_IFSOCK: return TYPE_SOCKET;
    default: return TYPE_DEVICE;
  }
}

char overlay_mark(int descriptor, const char *name) {
  char whole[40], value[2];
  if (uses_own_marks()) return '\0';
  strcpy(whole, uses_trusted() ? "trusted.overlay." : "user.overlay.");
  strcat(whole, name);
  return get_value(descriptor, whole, value, sizeof value) == 1 ? value[0] : '\0';
}

static bool has_mark(const char *names, ssize_t length, const char *name) {
  const char *prefix = uses_trusted() ? "trusted.overlay." : "user.overlay.";
  size_t skipped = strlen(prefix);
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
    if (strncmp(names + at, prefix, skipped) == 0 && strcmp(names + at + skipped, name) == 0) return true;
  return false;
}

/* A device without a number; or, where the folder says that it has such, an empty file with a mark. */
static int marks_of(int descriptor, const struct stat *status, const char *names, ssize_t length, bool whiteouts) {
  if (uses_own_marks()) return S_ISFIFO(status->st_mode) && (status->st_mode & 07777) == 0 ? MARK_WHITEOUT : 0;
  if (S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0)) return MARK_WHITEOUT;
  if (whiteouts && S_ISREG(status->st_mode) && status->st_size == 0 && has_mark(names, length, "whiteout"))
    return MARK_WHITEOUT;
  if (!S_ISDIR(status->st_mode) || !has_mark(names, length, "opaque")) return 0;
  errno = 0;
  char mark = overlay_mark(descriptor, "opaque");
  /* SECURITY: of a folder that is shut against reading nobody here can say what of the person's it hides. */
  if (mark == '\0' && errno == EACCES) return -1;
  return mark == 'y' ? MARK_OPAQUE : 0;
}

static void put_time(struct answers *answers, const struct timespec *time) {
  put_u64(answers, (uint64_t)time->tv_sec);
  put_u32(answers, (uint32_t)time->tv_nsec);
}

static int put_target(struct answers *answers, int descriptor, const struct stat *status) {
  char target[4096];
  ssize_t length = 0;
  if (S_ISLNK(status->st_mode)) {
    length = readlinkat(descriptor, "", target, sizeof target);
    if (length < 0) return failed(answers, "read symlink");
    if (length == sizeof target) return failed_by(answers, "read symlink", ENAMETOOLONG);
  }
  put_text(answers, target, (size_t)length);
  return 0;
}

/*
 * One that went meanwhile, or that we may not read, is left out: it would be missing from a copy, or fail it. What is
 * shut against its owner alone is read by another.
 */
static int put_attributes(struct answers *answers, int descriptor, const struct stat *status, const char *names,
                          ssize_t length) {
  static uint8_t value[MAX_VALUE];
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
    const char *name = names + at;
    if (!is_copied(name)) continue;
    ssize_t size = get_value(descriptor, name, value, sizeof value);
    if (size < 0 && errno == EACCES && may_try_again(status)) return failed(answers, "read extended attribute");
    if (size < 0) continue;
    put_text(answers, name, strlen(name));
    put_u32(answers, (uint32_t)size);
    put(answers, value, (size_t)size);
  }
  put_text(answers, "", 0);
  return 0;
}

uint64_t size_told(const struct stat *status) {
  return S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0;
}

static void put_fields(struct answers *answers, const struct stat *status, int marks) {
  put_u8(answers, type_of(status->st_mode));
  put_u8(answers, (uint8_t)marks);
  put_u32(answers, status->st_mode & 07777);
  put_u32(answers, status->st_uid);
  put_u32(answers, status->st_gid);
  put_u64(answers, size_told(status));
  put_time(answers, &status->st_mtim);
  put_time(answers, &status->st_ctim);
  put_u64(answers, status->st_dev);
  put_u64(answers, status->st_ino);
  put_u64(answers, status->st_nlink);
}

void put_status(struct answers *answers, const struct stat *status) {
  put_fields(answers, status, 0);
  put_text(answers, "", 0);
  put_text(answers, "", 0);
}

int put_entry(struct answers *answers, int descriptor, const struct stat *status, bool whiteouts) {
  static char names[MAX_NAMES];
  ssize_t length = list_names(descriptor, names);
  if (length < 0) return failed(answers, "list extended attributes");
  int marks = marks_of(descriptor, status, names, length, whiteouts);
  if (marks < 0) return failed(answers, "read the overlay's mark");
  put_fields(answers, status, marks);
  int error = put_target(answers, descriptor, status);
  return error != 0 ? error : put_attributes(answers, descriptor, status, names, length);
}

int put_changed(struct answers *answers, int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return failed(answers, "look at what was made");
  return put_entry(answers, descriptor, &status, false);
}

int stat_place(struct reader *request, struct answers *answers) {
  struct place place;
  struct stat status;
  take_place(request, &place);
  take_end(request);
  int descriptor = open_place(&place, &status);
  if (descriptor < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : failed(answers, "look at");
  int error = put_entry(answers, descriptor, &status, false);
  close(descriptor);
  return error;
}
