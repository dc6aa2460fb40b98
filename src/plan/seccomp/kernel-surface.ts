import type { RuleSet } from "./rule.ts";

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: the bits that clone() takes. */
const newNamespaces = 0x7e02_0000;

/** CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: all that unshare() may undo without a new namespace. */
const unshareOwn = 0x0005_0f00;

const setModeFilter = 1;
const newListener = 8;
const setMm = 35;

/** Linux, Linux with 32-bit uname, with UNAME26, both, and the question. The others switch randomisation or protection off. */
const harmlessPersonalities = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** TIOCSTI, TIOCLINUX, TIOCCONS. */
const terminalInjection = [0x5412, 0x541c, 0x541d];

/** What a command has no business with: namespaces, mounts, other processes, and the kernel's rarely walked parts. */
export const kernelSurface: RuleSet = {
  name: "kernel surface",
  otherwise: "allow",
  unknown: "enosys",
  rules: [
    {
      calls: ["unshare"],
      when: [{ argument: 0, name: "flags", any: ~unshareOwn >>> 0 }],
      answer: "refuse",
      reason: "a new namespace brings capabilities of its own",
    },
    {
      calls: ["clone"],
      when: [{ argument: 0, name: "flags", any: newNamespaces }],
      answer: "refuse",
      reason: "a new namespace brings capabilities of its own",
    },
    {
      calls: ["clone3"],
      answer: "enosys",
      reason: "its flags lie behind a pointer, where no filter sees them; libc falls back to clone",
    },
    { calls: ["setns"], answer: "refuse", reason: "leads into another namespace" },
    {
      calls: ["mount", "umount2", "pivot_root", "chroot"],
      answer: "refuse",
      reason: "what the cell sees is settled before the command starts",
    },
    {
      calls: [
        "open_tree",
        "open_tree_attr",
        "move_mount",
        "fsopen",
        "fsconfig",
        "fsmount",
        "fspick",
        "mount_setattr",
      ],
      answer: "refuse",
      reason: "mount by another way",
    },
    {
      calls: ["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"],
      answer: "refuse",
      reason: "reaches into another process",
    },
    {
      calls: ["prctl"],
      when: [{ argument: 0, name: "option", in: [setMm] }],
      answer: "refuse",
      reason: "PR_SET_MM changes what the process looks like to others",
    },
    {
      calls: ["keyctl", "add_key", "request_key"],
      answer: "refuse",
      reason: "keyrings belong to no namespace, so the host's are within reach",
    },
    {
      calls: [
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
      ],
      answer: "refuse",
      reason: "large, young kernel code; io_uring also does what other rules refuse, unseen by any filter",
    },
    {
      calls: ["name_to_handle_at", "open_by_handle_at"],
      answer: "refuse",
      reason: "opens files past every mount",
    },
    {
      calls: ["seccomp"],
      when: [
        { argument: 0, name: "operation", in: [setModeFilter] },
        { argument: 1, name: "flags", any: newListener },
      ],
      answer: "refuse",
      reason: "a listener could answer calls in the place of Workcell's",
    },
    {
      calls: ["personality"],
      when: [{ argument: 0, name: "persona", notIn: harmlessPersonalities }],
      answer: "refuse",
      reason: "switches off address randomisation or memory protection",
    },
    {
      calls: ["ioctl"],
      when: [{ argument: 1, name: "op", in: terminalInjection }],
      answer: "refuse",
      reason: "TIOCSTI, TIOCLINUX and TIOCCONS type into, or take over, a terminal",
    },
    {
      calls: ["init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"],
      answer: "refuse",
      reason: "changes the running kernel",
    },
    {
      calls: ["swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "syslog", "fanotify_init", "vhangup"],
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
      calls: ["iopl", "ioperm", "modify_ldt"],
      answer: "refuse",
      reason: "reaches the processor's ports and segments",
    },
    {
      calls: [
        "lookup_dcookie",
        "nfsservctl",
        "uselib",
        "_sysctl",
        "create_module",
        "get_kernel_syms",
        "query_module",
      ],
      answer: "refuse",
      reason: "obsolete",
    },
  ],
};
