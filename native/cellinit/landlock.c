#define _GNU_SOURCE
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure.h"

/* The kernel's interface, stated here because musl has none of it. The numbers are one for x86_64 and aarch64. */
enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };
#define ASK_VERSION 1U
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define FS_FIRST_ABI (FS_REFER - 1) /* bits 0 to 12 */
#define SCOPE_ABSTRACT_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_IOCTL_DEV = 5, ABI_SCOPES = 6 };

#define READING (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
/* The rights that mean something for a file that is no folder; the kernel refuses a rule with the others. */
#define OF_A_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attributes {
  uint64_t fs, net, scoped;
};

struct path_attributes {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

/* Only a kernel that says it has no Landlock has none: another error is a failure, not a reason to go without. */
static unsigned find_abi(enum landlock_need need) {
  long abi = syscall(NR_CREATE_RULESET, NULL, 0UL, ASK_VERSION);
  if (abi > 0) return abi > UINT8_MAX ? UINT8_MAX : (unsigned)abi;
  if (abi == 0) errno = EOPNOTSUPP;
  if (need == LANDLOCK_OPTIONAL && (errno == ENOSYS || errno == EOPNOTSUPP)) return 0;
  cannot("ask for the version of", "Landlock");
}

static uint64_t rights_known_to(unsigned abi) {
  uint64_t rights = FS_FIRST_ABI;
  if (abi >= ABI_REFER) rights |= FS_REFER;
  if (abi >= ABI_TRUNCATE) rights |= FS_TRUNCATE;
  if (abi >= ABI_IOCTL_DEV) rights |= FS_IOCTL_DEV;
  return rights;
}

/* A path that is not in this cell needs no rule. */
static void allow(int ruleset, const struct landlock_path *beneath, uint64_t rights) {
  struct stat status;
  int parent = open(beneath->path, O_PATH | O_CLOEXEC);
  if (parent < 0 && (errno == ENOENT || errno == ENOTDIR)) return;
  if (parent < 0) cannot("open for Landlock", beneath->path);
  if (fstat(parent, &status) != 0) cannot("look at for Landlock", beneath->path);
  if (!S_ISDIR(status.st_mode)) rights &= OF_A_FILE;
  struct path_attributes attributes = {.allowed = rights, .parent = parent};
  if (syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &attributes, 0U) != 0)
    cannot("allow by Landlock", beneath->path);
  close(parent);
}

/*
 * What the command was given may be opened anew, as /dev/stdout and its like: for what it was given for, which the
 * descriptor itself is good for as well. A pipe or socket without a name needs no rule, and can have none.
 */
static void allow_stream(int ruleset, int stream, uint64_t known) {
  struct stat status;
  int flags = fcntl(stream, F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0 || fstat(stream, &status) != 0) return;
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return;
  uint64_t rights = S_ISCHR(status.st_mode) ? FS_IOCTL_DEV : 0;
  if ((flags & O_ACCMODE) != O_WRONLY) rights |= FS_READ_FILE;
  if ((flags & O_ACCMODE) != O_RDONLY) rights |= FS_WRITE_FILE | FS_TRUNCATE;
  struct path_attributes attributes = {.allowed = rights & known, .parent = stream};
  if (syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &attributes, 0U) != 0 && errno != EBADFD)
    cannot_number("allow by Landlock stream", (unsigned long)stream, errno);
}

unsigned restrict_to_paths(const struct request *request, const int streams[3]) {
  unsigned abi = find_abi(request->landlock);
  if (abi == 0) return 0;
  uint64_t all = rights_known_to(abi);
  struct ruleset_attributes handled = {.fs = all};
  if (abi >= ABI_SCOPES) handled.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
  int ruleset = (int)syscall(NR_CREATE_RULESET, &handled, sizeof handled, 0U);
  if (ruleset < 0) cannot("make a ruleset of", "Landlock");
  for (size_t i = 0; i < request->path_count; i++)
    allow(ruleset, &request->paths[i], request->paths[i].writable ? all : READING);
  for (size_t i = 0; i < 3; i++) allow_stream(ruleset, streams[i], all);
  if (syscall(NR_RESTRICT_SELF, ruleset, 0U) != 0) cannot("restrict this process by", "Landlock");
  close(ruleset);
  return abi;
}
