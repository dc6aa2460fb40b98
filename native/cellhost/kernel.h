/* The kernel's interface, stated here because musl has none of it and glibc has it only since 2.36. */
#ifndef CELLHOST_KERNEL_H
#define CELLHOST_KERNEL_H

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the system call numbers below are those of x86_64 and aarch64"
#endif

enum {
  NR_PIDFD_SEND_SIGNAL = 424,
  NR_OPEN_TREE = 428,
  NR_MOVE_MOUNT = 429,
  NR_FSOPEN = 430,
  NR_FSCONFIG = 431,
  NR_FSMOUNT = 432,
  NR_PIDFD_OPEN = 434,
  NR_CLOSE_RANGE = 436,
  NR_OPENAT2 = 437,
  NR_MOUNT_SETATTR = 442,
  NR_LANDLOCK_CREATE_RULESET = 444,
};

#endif
