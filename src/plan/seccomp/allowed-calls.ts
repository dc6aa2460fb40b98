import { names } from "./call-names.ts";
import type { Rule } from "./rule.ts";

const allow = "allow";

/** The allow-list: what no program can do without, and what one would not expect on it, with the reason. */
export const allowedCalls: readonly Rule[] = [
  {
    calls: names(
      "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range",
      "dup dup2 dup3 fcntl flock ioctl fsync fdatasync sync_file_range fallocate fadvise64 readahead",
      "sendfile splice tee vmsplice copy_file_range pipe pipe2 eventfd eventfd2",
      "select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2",
    ),
    answer: allow,
    reason: "open files, pipes and waiting for them",
  },
  {
    calls: names(
      "open openat creat access faccessat faccessat2 stat fstat lstat newfstatat statx statfs fstatfs",
      "getdents getdents64 getcwd chdir fchdir readlink readlinkat truncate ftruncate umask",
      "mkdir mkdirat rmdir mknod mknodat link linkat unlink unlinkat symlink symlinkat",
      "rename renameat renameat2 chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat",
      "utime utimes futimesat utimensat inotify_init inotify_init1 inotify_add_watch inotify_rm_watch",
      "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr getxattrat listxattrat",
    ),
    answer: allow,
    reason: "files by their paths",
  },
  {
    calls: names(
      "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat",
    ),
    answer: allow,
    reason:
      "copies keep a person's attributes; those of security want a capability, of which the cell has none",
  },
  { calls: ["sync", "syncfs"], answer: allow, reason: "databases and package managers end with them" },
  {
    calls: names(
      "brk mmap munmap mremap mprotect msync mincore madvise mlock mlock2 mlockall munlock munlockall",
      "pkey_alloc pkey_free pkey_mprotect membarrier memfd_create mseal",
    ),
    answer: allow,
    reason: "memory of one's own",
  },
  {
    calls: ["map_shadow_stack"],
    answer: allow,
    reason: "libc asks for the stack of return addresses where the processor checks them",
  },
  {
    calls: names("get_mempolicy set_mempolicy set_mempolicy_home_node mbind move_pages migrate_pages"),
    answer: allow,
    reason: "numerical libraries and Java place their own memory",
  },
  {
    calls: names(
      "clone fork vfork execve execveat exit exit_group wait4 waitid unshare",
      "getpid getppid gettid getpgid getpgrp setpgid getsid setsid pidfd_open pidfd_send_signal",
      "getuid geteuid getgid getegid getresuid getresgid getgroups capget",
      "uname sysinfo times getrusage getrlimit setrlimit prlimit64 getrandom getcpu",
      "prctl personality set_tid_address set_robust_list get_robust_list rseq",
    ),
    answer: allow,
    reason: "processes and threads",
  },
  {
    calls: names("setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset"),
    answer: allow,
    reason:
      "ssh, git and shells set the ids they have already; without a capability the kernel grants no others",
  },
  {
    calls: ["arch_prctl"],
    answer: allow,
    reason: "libc sets the thread register by it before main()",
  },
  {
    calls: ["uprobe", "uretprobe"],
    answer: allow,
    reason: "not called but jumped to, where the host traces a library: a refusal would end the program",
  },
  {
    calls: names("seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
    answer: allow,
    reason: "they only take away: browsers and agents fence their own children in",
  },
  {
    calls: names(
      "kill tkill tgkill pause rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait",
      "rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack signalfd signalfd4",
    ),
    answer: allow,
    reason: "signals",
  },
  {
    calls: ["rt_sigreturn", "restart_syscall"],
    answer: allow,
    reason: "the kernel's own: handlers return by the one, interrupted calls go on by the other",
  },
  {
    calls: names(
      "time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep alarm getitimer setitimer",
      "timer_create timer_settime timer_gettime timer_getoverrun timer_delete",
      "timerfd_create timerfd_settime timerfd_gettime",
    ),
    answer: allow,
    reason: "clocks and timers",
  },
  {
    calls: names(
      "futex futex_waitv futex_wait futex_wake futex_requeue sched_yield getpriority setpriority",
      "sched_setaffinity sched_getaffinity sched_setscheduler sched_getscheduler sched_setparam sched_getparam",
      "sched_setattr sched_getattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval",
      "ioprio_set ioprio_get",
    ),
    answer: allow,
    reason: "locks and turns",
  },
  {
    calls: names(
      "socket socketpair bind listen accept accept4 connect shutdown getsockname getpeername",
      "getsockopt setsockopt sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg",
    ),
    answer: allow,
    reason: "sockets: which ones is the matter of socket()",
  },
  {
    calls: names(
      "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl",
      "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
    ),
    answer: allow,
    reason: "shared memory, semaphores and queues, which the cell has a namespace of its own for",
  },
  {
    calls: names("io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents"),
    answer: allow,
    reason: "databases read by them; unlike io_uring they touch only files that are open already",
  },
];
