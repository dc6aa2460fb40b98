import { names } from "./call-names.ts";
import type { Rule } from "./rule.ts";

/** What a command has no business with, whatever its arguments: mounts, other processes, rarely walked kernel parts. */
export const refusedCalls: readonly Rule[] = [
  {
    calls: ["clone3"],
    answer: "enosys",
    reason: "its flags lie behind a pointer, where no filter sees them; libc falls back to clone",
  },
  {
    calls: ["openat2"],
    answer: "enosys",
    reason: "its mode lies behind a pointer, where no filter sees it; programs fall back to openat",
  },
  {
    calls: names(
      "statmount listmount file_getattr file_setattr cachestat",
      "lsm_get_self_attr lsm_set_self_attr lsm_list_modules",
    ),
    answer: "enosys",
    reason: "young; programs that try them fall back to older ways",
  },
  { calls: ["setns"], answer: "refuse", reason: "leads into another namespace" },
  {
    calls: ["mount", "umount2", "pivot_root", "chroot"],
    answer: "refuse",
    reason: "what the cell sees is settled before the command starts",
  },
  {
    calls: names("open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr"),
    answer: "refuse",
    reason: "mount by another way",
  },
  {
    calls: names(
      "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp",
    ),
    answer: "refuse",
    reason: "reaches into another process",
  },
  {
    calls: ["keyctl", "add_key", "request_key"],
    answer: "refuse",
    reason: "keyrings belong to no namespace, so the host's are within reach",
  },
  {
    calls: names("bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register"),
    answer: "refuse",
    reason: "large, young kernel code; io_uring also does what other rules refuse, unseen by any filter",
  },
  {
    calls: ["memfd_secret"],
    answer: "refuse",
    reason: "memory that the host can neither count nor take back",
  },
  {
    calls: ["name_to_handle_at", "open_by_handle_at"],
    answer: "refuse",
    reason: "opens files past every mount",
  },
  {
    calls: names("init_module finit_module delete_module kexec_load kexec_file_load reboot"),
    answer: "refuse",
    reason: "changes the running kernel",
  },
  {
    calls: names("swapon swapoff quotactl quotactl_fd acct syslog fanotify_init fanotify_mark vhangup"),
    answer: "refuse",
    reason: "administers the host",
  },
  {
    calls: ["settimeofday", "clock_settime", "adjtimex", "clock_adjtime"],
    answer: "refuse",
    reason: "sets the host's clock",
  },
  {
    calls: ["sethostname", "setdomainname"],
    answer: "refuse",
    reason: "the cell's name is settled before the command starts",
  },
  {
    calls: names("iopl ioperm modify_ldt set_thread_area get_thread_area"),
    answer: "refuse",
    reason: "reaches the processor's ports and segments",
  },
  {
    calls: names(
      "lookup_dcookie nfsservctl uselib _sysctl sysfs ustat remap_file_pages",
      "create_module get_kernel_syms query_module epoll_ctl_old epoll_wait_old",
      "getpmsg putpmsg afs_syscall tuxcall security vserver",
    ),
    answer: "refuse",
    reason: "obsolete",
  },
];
