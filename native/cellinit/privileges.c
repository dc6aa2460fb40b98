#define _GNU_SOURCE
#include "privileges.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure.h"

/* A limit is lowered, never raised: what is above the hard one already is as good as kept. */
static void lower(const struct limit *limit) {
  struct rlimit now;
  if (getrlimit(limit->resource, &now) != 0) cannot("read limit", limit->name);
  rlim_t most = now.rlim_max < limit->most ? now.rlim_max : limit->most;
  struct rlimit lowered = {most, most};
  if (setrlimit(limit->resource, &lowered) != 0) cannot("set limit", limit->name);
  if (getrlimit(limit->resource, &now) != 0) cannot("read limit", limit->name);
  if (now.rlim_cur > limit->most || now.rlim_max > limit->most) fail(EXIT_UNSEALED, "still above limit", limit->name, EPERM);
}

void lower_limits(const struct request *request) {
  for (size_t i = 0; i < request->limit_count; i++) lower(&request->limits[i]);
}

void forbid_new_privileges(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) cannot("forbid new privileges by", "PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) fail(EXIT_UNSEALED, "still open to", "new privileges", EPERM);
}

/* Every kernel that can seal a cell knows more capabilities than this; EINVAL below it is no end of the list. */
enum { LEAST_LAST_CAPABILITY = 37, CAPABILITY_NUMBERS = 64 };

/* True past the last capability of this kernel. */
static bool is_past_last(int number, const char *set) {
  if (errno == EINVAL && number > LEAST_LAST_CAPABILITY) return true;
  cannot("read capabilities of set", set);
}

static void drop_bounding(void) {
  for (int number = 0; number < CAPABILITY_NUMBERS; number++) {
    int held = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (held < 0 && is_past_last(number, "bounding")) return;
    if (held != 0 && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
      cannot_number("drop from the bounding set capability", (unsigned long)number, errno);
  }
}

static void verify_no_bounding(void) {
  for (int number = 0; number < CAPABILITY_NUMBERS; number++) {
    int held = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (held < 0 && is_past_last(number, "bounding")) return;
    if (held != 0) cannot_number("still in the bounding set: capability", (unsigned long)number, EPERM);
  }
}

static void verify_no_ambient(void) {
  for (int number = 0; number < CAPABILITY_NUMBERS; number++) {
    int held = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0);
    if (held < 0 && is_past_last(number, "ambient")) return;
    if (held != 0) cannot_number("still in the ambient set: capability", (unsigned long)number, EPERM);
  }
}

struct capability_header {
  uint32_t version;
  int process;
};

struct capability_sets {
  uint32_t effective, permitted, inheritable;
};

enum { CAPABILITY_VERSION_3 = 0x20080522 };

static void verify_none(void) {
  struct capability_header header = {CAPABILITY_VERSION_3, 0};
  struct capability_sets held[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
  if (syscall(SYS_capget, &header, held) != 0) cannot("read capabilities by", "capget");
  uint32_t any = 0;
  for (int i = 0; i < 2; i++) any |= held[i].effective | held[i].permitted | held[i].inheritable;
  if (any != 0) fail(EXIT_UNSEALED, "still holding", "capabilities", EPERM);
}

/* SECURITY: nothing is taken on trust; each set is looked at once more after it was emptied. The bounding set comes
 * first: without CAP_SETPCAP nothing can be dropped from it any more. */
void drop_capabilities(void) {
  struct capability_header header = {CAPABILITY_VERSION_3, 0};
  struct capability_sets none[2] = {{0, 0, 0}, {0, 0, 0}};
  drop_bounding();
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) cannot("clear set", "ambient");
  if (syscall(SYS_capset, &header, none) != 0) cannot("drop capabilities by", "capset");
  verify_none();
  verify_no_ambient();
  verify_no_bounding();
}

void check_identity(void) {
  uid_t uid, effective_uid, saved_uid;
  gid_t gid, effective_gid, saved_gid;
  if (getresuid(&uid, &effective_uid, &saved_uid) != 0 || getresgid(&gid, &effective_gid, &saved_gid) != 0)
    cannot("read identity by", "getresuid");
  if (uid == 0 || effective_uid != uid || saved_uid != uid) cannot_number("not one ordinary uid, but", uid, EPERM);
  if (gid == 0 || effective_gid != gid || saved_gid != gid) cannot_number("not one ordinary gid, but", gid, EPERM);
}

void hide_from_tracers(void) {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) cannot("hide from tracers by", "PR_SET_DUMPABLE");
}
