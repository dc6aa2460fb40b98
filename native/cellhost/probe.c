#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "kernel.h"
#include "mounts.h"
#include "text.h"

#define LANDLOCK_VERSION 1U
#define SECCOMP_FILTER_MODE 2UL
#define SECCOMP_ASK_ACTION 2U
#define SECCOMP_SET_FILTER 1U
#define SECCOMP_WITH_LISTENER 8U
#define SECCOMP_ALLOW 0x7fff0000U
#define SECCOMP_USER_NOTIFICATION 0x7fc00000U

/* The kernel's own headers are not musl's: classic BPF as it takes it. */
#define BPF_RETURN 0x06U
struct instruction {
  uint16_t code;
  uint8_t when_true;
  uint8_t when_false;
  uint32_t value;
};
struct program {
  unsigned short length;
  const struct instruction *instructions;
};

/* Some identity that is not the folder's own, so that the map can be seen to work. */
enum { PROBE_ID = 54321, OTHER_PROBE_ID = 54322 };

int probe_idmap(char **arguments) {
  const char *folder = take_absolute(&arguments, "probe-idmap");
  struct stat before, after;
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  leave_host_mounts();
  int tree = clone_tree(folder, false);
  if (fstat(tree, &before) != 0) cannot("look at source", folder);
  uid_t seen_as = before.st_uid == PROBE_ID ? OTHER_PROBE_ID : PROBE_ID;
  idmap_tree(tree, folder, make_identity_map(before.st_uid, before.st_gid, seen_as, PROBE_ID),
             EXIT_CANNOT_IDMAP);
  if (fstat(tree, &after) != 0) cannot("look at source", folder);
  if (after.st_uid != seen_as) fail(EXIT_CANNOT_IDMAP, "idmap without effect on", folder, EINVAL);
  return 0;
}

int probe_landlock(char **arguments) {
  struct text line = {.length = 0};
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  long version = syscall(NR_LANDLOCK_CREATE_RULESET, NULL, 0UL, LANDLOCK_VERSION);
  if (version >= 0) add_number(&line, (unsigned long)version);
  else add_error_name(&line, errno);
  add(&line, "\n");
  print(STDOUT_FILENO, &line);
  return 0;
}

static void add_finding(struct text *text, const char *what, int error) {
  add(text, what);
  add(text, " ");
  if (error == 0) add(text, "yes");
  else add_error_name(text, error);
  add(text, "\n");
}

/*
 * Whether a filter of ours gets a listener: not below a filter that has one already, as when a container engine
 * answers system calls. It allows everything, and goes with this process.
 */
static int try_listener(void) {
  const struct instruction allow = {.code = BPF_RETURN, .value = SECCOMP_ALLOW};
  const struct program program = {.length = 1, .instructions = &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return errno;
  return syscall(SYS_seccomp, SECCOMP_SET_FILTER, SECCOMP_WITH_LISTENER, &program) < 0 ? errno : 0;
}

/* A filter at address 0 is looked at only by a kernel that has filters at all: EFAULT says yes, and nothing is set. */
int probe_seccomp(char **arguments) {
  struct text lines = {.length = 0};
  uint32_t action = SECCOMP_USER_NOTIFICATION;
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  int filter = prctl(PR_SET_SECCOMP, SECCOMP_FILTER_MODE, 0UL, 0UL, 0UL) != 0 && errno != EFAULT ? errno : 0;
  int notification = syscall(SYS_seccomp, SECCOMP_ASK_ACTION, 0U, &action) != 0 ? errno : 0;
  add_finding(&lines, "filter", filter);
  add_finding(&lines, "user-notification", notification);
  add_finding(&lines, "listener", try_listener());
  print(STDOUT_FILENO, &lines);
  return 0;
}
