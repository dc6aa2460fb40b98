#define _GNU_SOURCE
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

#define CAPABILITY_VERSION_3 0x20080522U

void drop_capabilities(void) {
  struct {
    uint32_t version;
    int process;
  } header = {CAPABILITY_VERSION_3, 0};
  struct {
    uint32_t effective, permitted, inheritable;
  } none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capset, &header, none) != 0) cannot("drop capabilities", "capset");
}

/* SECURITY: nothing is taken on trust; each part of root is looked for once more after it was given up. */
static void verify_dropped(uid_t uid, gid_t gid) {
  uid_t real_uid, effective_uid, saved_uid;
  gid_t real_gid, effective_gid, saved_gid;
  if (getresuid(&real_uid, &effective_uid, &saved_uid) != 0 || getresgid(&real_gid, &effective_gid, &saved_gid) != 0)
    cannot("read identity", "getresuid");
  if (real_uid != uid || effective_uid != uid || saved_uid != uid) cannot_number("still another uid than", uid, EPERM);
  if (real_gid != gid || effective_gid != gid || saved_gid != gid) cannot_number("still another gid than", gid, EPERM);
  if (getgroups(0, NULL) != 0) fail(EXIT_CANNOT, "still in other groups than", "none", EPERM);
  if (setuid(0) == 0 || setgid(0) == 0) fail(EXIT_CANNOT, "still able to become", "root", EPERM);
}

/* Groups and gid first: without uid 0 they could not be given up any more. */
void drop_to(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) != 0) cannot("leave groups", "setgroups");
  if (setresgid(gid, gid, gid) != 0) cannot_number("become gid", gid, errno);
  if (setresuid(uid, uid, uid) != 0) cannot_number("become uid", uid, errno);
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) cannot("clear ambient capabilities", "prctl");
  /* Inherited securebits may have kept capabilities over the change of uid. */
  drop_capabilities();
  verify_dropped(uid, gid);
  /* bwrap sets it too, but not before it has started. */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) cannot("forbid new privileges", "PR_SET_NO_NEW_PRIVS");
}
