#define _GNU_SOURCE
#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "roots.h"

enum { GIVEN_BITS = 01777, NANOSECONDS = 1000000000 };

struct timespec take_time(struct reader *reader) {
  struct timespec time = {.tv_sec = (time_t)take_u64(reader)};
  uint32_t nanoseconds = take_u32(reader);
  if (nanoseconds >= NANOSECONDS) malformed(reader, "not a time");
  time.tv_nsec = nanoseconds;
  return time;
}

void take_as(struct reader *reader, struct as *as) {
  as->mode = take_u32(reader) & GIVEN_BITS;
  as->uid = take_u32(reader);
  as->gid = take_u32(reader);
  as->mtime = take_time(reader);
}

/*
 * What was opened with O_PATH has no calls of its own (EBADF); the kernel's link to it leads to the same thing, and is asked
 * for at once: nearly all that is listed was opened so.
 */
ssize_t list_names(int descriptor, char names[MAX_NAMES]) {
  ssize_t length = listxattr(way_to(descriptor).bytes, names, MAX_NAMES);
  return length < 0 && errno == EOPNOTSUPP ? 0 : length;
}

ssize_t get_value(int descriptor, const char *name, void *value, size_t size) {
  ssize_t length = fgetxattr(descriptor, name, value, size);
  if (length >= 0 || errno != EBADF) return length;
  return getxattr(way_to(descriptor).bytes, name, value, size);
}

static int set_value(int descriptor, const char *name, const void *value, size_t size) {
  int result = fsetxattr(descriptor, name, value, size, 0);
  if (result == 0 || errno != EBADF) return result;
  return setxattr(way_to(descriptor).bytes, name, value, size, 0);
}

static int remove_value(int descriptor, const char *name) {
  int result = fremovexattr(descriptor, name);
  if (result == 0 || errno != EBADF) return result;
  return removexattr(way_to(descriptor).bytes, name);
}

static bool begins(const char *name, const char *with) { return strncmp(name, with, strlen(with)) == 0; }

/* SECURITY: a file's capability is a set-id bit by another name. */
bool is_copied(const char *name) {
  return !begins(name, "trusted.overlay.") && !begins(name, "user.overlay.") &&
         strcmp(name, "security.capability") != 0;
}

static bool is_among(const char *name, const char *names, ssize_t length) {
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
    if (strcmp(names + at, name) == 0) return true;
  return false;
}

/*
 * Where the target's file system has no such attributes, and where a security module keeps its labels to itself, the copy
 * goes without; the entry that is answered shows it.
 */
static bool may_be_missing(const char *name) {
  return errno == EOPNOTSUPP || (errno == EPERM && begins(name, "security."));
}

static int copy_values(int from, int to, const char *names, ssize_t length, struct answers *answers) {
  static uint8_t value[MAX_VALUE];
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
    const char *name = names + at;
    if (!is_copied(name)) continue;
    ssize_t size = get_value(from, name, value, sizeof value);
    if (size < 0) return failed(answers, "read extended attribute");
    if (set_value(to, name, value, (size_t)size) != 0 && !may_be_missing(name))
      return failed(answers, "set extended attribute");
  }
  return 0;
}

/* What a new file gets from its folder (a default list of rights) is taken away again where the source has none. */
static int copy_attributes(int from, int to, struct answers *answers) {
  static char source[MAX_NAMES], target[MAX_NAMES];
  ssize_t wanted = list_names(from, source);
  if (wanted < 0) return failed(answers, "list extended attributes");
  int error = copy_values(from, to, source, wanted, answers);
  if (error != 0) return error;
  ssize_t there = list_names(to, target);
  if (there < 0) return failed(answers, "list extended attributes");
  for (ssize_t at = 0; at < there; at += (ssize_t)strlen(target + at) + 1) {
    const char *name = target + at;
    if (!is_copied(name) || begins(name, "security.") || is_among(name, source, wanted)) continue;
    if (remove_value(to, name) != 0 && errno != ENODATA) return failed(answers, "remove extended attribute");
  }
  return 0;
}

static int set_mode(int descriptor, mode_t mode) {
  if (fchmod(descriptor, mode) == 0) return 0;
  return errno == EBADF ? chmod(way_to(descriptor).bytes, mode) : -1;
}

/* In the owner's namespace (own-files.c) his further groups have no number: the file then stays with the one it has. */
static bool is_strange_group(const struct stat *status, const struct as *as) {
  return errno == EINVAL && status->st_uid == as->uid;
}

/*
 * In this order: giving a file away takes bits and lists of rights with it, a list of rights changes the mode, and the
 * time goes last, for anything before it may move it.
 */
int give_attributes(int to, const struct as *as, int from, struct answers *answers) {
  struct stat status;
  if (fstat(to, &status) != 0) return failed(answers, "look at what was made");
  bool owned = status.st_uid == as->uid && status.st_gid == as->gid;
  if (!owned && fchownat(to, "", as->uid, as->gid, AT_EMPTY_PATH) != 0 && !is_strange_group(&status, as))
    return failed(answers, "set owner");
  int error = from < 0 ? 0 : copy_attributes(from, to, answers);
  if (error != 0) return error;
  if (!S_ISLNK(status.st_mode) && set_mode(to, as->mode) != 0) return failed(answers, "set mode");
  struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, as->mtime};
  if (utimensat(to, "", times, AT_EMPTY_PATH) != 0) return failed(answers, "set time");
  return 0;
}
