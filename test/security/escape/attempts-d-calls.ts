import { type EscapeAttempt, group } from "./attempt.ts";

const namespaces = ["USER", "NS", "NET", "PID", "IPC", "UTS", "CGROUP"];

/** Namespaces and mounts. */
const spaces = group({ proof: "call", refused: ["EPERM"] }, [
  ...namespaces.map((name) => ({
    id: `D.unshare-${name.toLowerCase()}` as const,
    title: `make a namespace (CLONE_NEW${name}), with a user namespace`,
    c: `return done(unshare(CLONE_NEWUSER | CLONE_NEW${name}));`,
  })),
  {
    id: "D.unshare-time",
    title: "make a time namespace, with a user namespace",
    c: "return done(unshare(CLONE_NEWUSER)) ?: done(unshare(0x80));",
  },
  {
    id: "D.clone-user",
    title: "make a user namespace by clone",
    c: `long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) _exit(0);
        return done(pid);`,
  },
  {
    id: "D.clone3-user",
    title: "make one by clone3, into which no filter sees",
    c: `uint64_t how[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
        long pid = syscall(SYS_clone3, how, sizeof how);
        if (pid == 0) _exit(0);
        return done(pid);`,
    refused: ["ENOSYS"],
  },
  {
    id: "D.nested-mount",
    title: "mount a file system in a user namespace",
    c: 'return done(unshare(CLONE_NEWUSER | CLONE_NEWNS)) ?: done(mount("none", "/tmp", "tmpfs", 0, NULL));',
  },
  {
    id: "D.nested-netfilter",
    title: "reach the packet filter in a user namespace",
    c: "return done(unshare(CLONE_NEWUSER | CLONE_NEWNET)) ?: done(socket(AF_NETLINK, SOCK_RAW, 12));",
  },
  {
    id: "D.nested-chroot",
    title: "change the root in a user namespace",
    c: 'return done(unshare(CLONE_NEWUSER)) ?: done(chroot("/"));',
  },
  ...["net", "mnt", "user", "pid", "ipc"].map((name) => ({
    id: `D.setns-${name}` as const,
    title: `enter the host's ${name} namespace`,
    c: `char path[64]; snprintf(path, sizeof path, "/proc/%s/ns/${name}", given("VICTIM"));
        int fd = open(path, O_RDONLY);
        return fd < 0 ? errno : done(setns(fd, 0));`,
    refused: ["ENOENT"],
    rootOnly: true as const,
    ...(name === "user" && { vacuous: "nobody may enter the user namespace that he is in already" }),
  })),
  {
    id: "D.setns-pidfd",
    title: "enter a process's namespaces by its descriptor",
    c: "return done(setns((int)syscall(SYS_pidfd_open, getpid(), 0), CLONE_NEWUTS));",
    rootOnly: true,
  },
  {
    id: "D.mount",
    title: "mount a file system",
    c: 'return done(mount("none", "/nowhere", "tmpfs", 0, NULL));',
    proof: "looked",
    looked: ["ENOENT"],
    rootOnly: true,
  },
  {
    id: "D.remount",
    title: "make a mount writable again",
    c: 'return done(mount("none", "/nowhere", NULL, MS_REMOUNT | MS_BIND, NULL));',
    proof: "looked",
    looked: ["ENOENT"],
    rootOnly: true,
  },
  {
    id: "D.umount",
    title: "take a mount away",
    c: 'return done(umount2("/nowhere", MNT_DETACH));',
    proof: "looked",
    looked: ["ENOENT", "EINVAL"],
    rootOnly: true,
  },
  {
    id: "D.pivot-root",
    title: "exchange the root",
    c: 'return done(syscall(SYS_pivot_root, "/nowhere", "/nowhere"));',
    proof: "looked",
    looked: ["ENOENT"],
    rootOnly: true,
  },
  { id: "D.chroot", title: "change the root", c: 'return done(chroot("/"));', rootOnly: true },
  {
    id: "D.open-tree",
    title: "take hold of a mount (open_tree)",
    c: 'return done(syscall(428, AT_FDCWD, "/", 0));',
  },
  {
    id: "D.open-tree-clone",
    title: "copy a tree of mounts (open_tree)",
    c: 'return done(syscall(428, AT_FDCWD, "/", 1 | 0x8000));',
    rootOnly: true,
  },
  {
    id: "D.fsopen",
    title: "prepare a file system (fsopen)",
    c: 'return done(syscall(430, "tmpfs", 0));',
    rootOnly: true,
  },
  ...[
    { name: "move-mount", call: '429, -1, "", -1, "", 0', looked: ["EBADF", "ENOENT"] },
    { name: "fsconfig", call: "431, -1, 0, NULL, NULL, 0", looked: ["EINVAL", "EBADF", "EOPNOTSUPP"] },
    { name: "fsmount", call: "432, -1, 0, 0", looked: ["EBADF"] },
    { name: "fspick", call: '433, AT_FDCWD, "/nowhere", 0', looked: ["ENOENT"] },
    { name: "mount-setattr", call: '442, -1, "", 0, NULL, 0', looked: ["EINVAL", "EBADF"] },
  ].map(({ name, call, looked }) => ({
    id: `D.${name}` as const,
    title: `work on mounts with ${name.replace("-", "_")}`,
    c: `return done(syscall(${call}));`,
    proof: "looked" as const,
    looked,
    rootOnly: true as const,
  })),
]);

/** Rarely walked parts of the kernel. */
const kernel = group({ proof: "call", refused: ["EPERM"] }, [
  {
    id: "D.io-uring-setup",
    title: "set up an io_uring",
    c: "char room[120] = {0}; return done(syscall(SYS_io_uring_setup, 1, room));",
    vacuous: "kernel.io_uring_disabled",
  },
  {
    id: "D.bpf",
    title: "make a map of BPF",
    c: "unsigned how[32] = {2, 4, 4, 1}; return done(syscall(SYS_bpf, 0, how, 72));",
    rootOnly: true,
  },
  {
    id: "D.perf-event",
    title: "measure with perf",
    c: `struct perf_event_attr how = {.type = PERF_TYPE_SOFTWARE, .size = sizeof how, .config = PERF_COUNT_SW_TASK_CLOCK,
                                      .exclude_kernel = 1, .exclude_hv = 1};
        return done(syscall(SYS_perf_event_open, &how, 0, -1, -1, 0));`,
    vacuous: "kernel.perf_event_paranoid",
  },
  {
    id: "D.userfaultfd",
    title: "handle one's own page faults (userfaultfd)",
    c: "return done(syscall(SYS_userfaultfd, 1));",
    vacuous: "the kernel was built without it",
  },
  {
    id: "D.dev-userfaultfd",
    title: "the same by its device",
    c: 'return done(open("/dev/userfaultfd", O_RDWR));',
    refused: ["ENOENT"],
    rootOnly: true,
    vacuous: "the kernel has no such device",
  },
  {
    id: "D.keyctl",
    title: "ask for the session's keyring",
    c: "return done(syscall(SYS_keyctl, 0, -3, 1));",
  },
  {
    id: "D.add-key",
    title: "add a key to one's own process",
    c: 'return done(syscall(SYS_add_key, "user", "workcell-escape", "x", 1, -2));',
  },
  {
    id: "D.request-key",
    title: "ask for a key",
    c: 'return done(syscall(SYS_request_key, "user", "workcell-nowhere", NULL, 0));',
    proof: "looked",
    looked: ["ENOKEY"],
  },
  {
    id: "D.listener",
    title: "answer system calls by a filter of its own",
    c: `struct sock_filter all[] = {{6, 0, 0, 0x7fff0000}};
        struct sock_fprog program = {1, all};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        return done(syscall(SYS_seccomp, 1, 8, &program));`,
  },
  {
    id: "D.personality",
    title: "switch address randomisation off",
    c: "return done(personality(0x0040000));",
  },
  {
    id: "D.set-mm",
    title: "change what the process looks like to others",
    c: "unsigned size = 0; return done(prctl(35, 15, &size, 0, 0));",
    vacuous: "the kernel was built without checkpoints",
  },
  {
    id: "D.memfd-secret",
    title: "make memory that the kernel does not see",
    c: "return done(syscall(447, 0));",
    vacuous: "secretmem.enable is off",
  },
  {
    id: "D.fanotify",
    title: "watch files for everybody (fanotify)",
    c: "return done(syscall(SYS_fanotify_init, 0x200, 0));",
  },
  {
    id: "D.syslog",
    title: "read the kernel's log",
    c: "char text[64]; return done(syscall(SYS_syslog, 3, text, 64));",
    vacuous: "kernel.dmesg_restrict",
  },
  {
    id: "D.quota",
    title: "ask for quotas",
    c: 'return done(syscall(SYS_quotactl, 0x80000100 | 0, "/nowhere", 0, 0));',
    proof: "looked",
    looked: ["ENOENT", "EINVAL", "ENODEV", "ENOTBLK"],
    vacuous: "the kernel has no quotas",
  },
  ...[
    { name: "init-module", call: "SYS_init_module, BAD, 8, BAD", looked: ["EFAULT", "ENOEXEC", "EINVAL"] },
    { name: "delete-module", call: "SYS_delete_module, BAD, 0", looked: ["EFAULT"] },
    { name: "kexec-load", call: "SYS_kexec_load, 0, 0, NULL, -1", looked: ["EINVAL"] },
    { name: "reboot", call: "SYS_reboot, 0, 0, 0, NULL", looked: ["EINVAL"] },
    { name: "swapon", call: 'SYS_swapon, "/nowhere", 0', looked: ["ENOENT"] },
    { name: "swapoff", call: 'SYS_swapoff, "/nowhere"', looked: ["ENOENT"] },
    { name: "acct", call: 'SYS_acct, "/nowhere"', looked: ["ENOENT"] },
    { name: "sethostname", call: "SYS_sethostname, BAD, 3", looked: ["EFAULT"] },
    { name: "setdomainname", call: "SYS_setdomainname, BAD, 3", looked: ["EFAULT"] },
    { name: "settimeofday", call: "SYS_settimeofday, BAD, NULL", looked: ["EFAULT"] },
    { name: "clock-settime", call: "SYS_clock_settime, 0, BAD", looked: ["EFAULT"] },
  ].map(({ name, call, looked }) => ({
    id: `D.${name}` as const,
    title: `administer the machine with ${name.replace("-", "_")}`,
    c: `return done(syscall(${call}));`,
    proof: "looked" as const,
    looked,
    vacuous: "the kernel was built without it, or asks for a capability first",
  })),
  ...[
    { name: "iopl", title: "get at ports of the machine (iopl)", c: "return done(syscall(SYS_iopl, 3));" },
    {
      name: "ioperm",
      title: "get at a port of the machine (ioperm)",
      c: "return done(syscall(SYS_ioperm, 0x80, 1, 1));",
    },
  ].map((entry) => ({
    ...entry,
    id: `D.${entry.name}` as const,
    arch: "x64" as const,
    rootOnly: true as const,
    vacuous: "the kernel was built without it",
  })),
  {
    id: "D.modify-ldt",
    title: "work on the table of segments",
    c: "char room[64]; return done(syscall(SYS_modify_ldt, 0, room, 64));",
    arch: "x64",
  },
]);

/** Other numbers for the same calls. */
const numbers = group({ proof: "call", refused: ["EPERM"], arch: "x64" }, [
  {
    id: "D.int80",
    title: "make a 32-bit call",
    c: "return done(call32(20, 0, 0));",
    vacuous: "the kernel was built without 32-bit calls",
  },
  {
    id: "D.int80-unshare",
    title: "make a user namespace by a 32-bit call",
    c: "return done(call32(310, CLONE_NEWUSER, 0));",
    vacuous: "the kernel was built without 32-bit calls",
  },
  {
    id: "D.int80-socket",
    title: "make a socket by a 32-bit call",
    c: "long *how = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);\n((int *)how)[0] = 40; ((int *)how)[1] = SOCK_STREAM;\nreturn done(call32(102, 1, (long)how));",
    vacuous: "the kernel was built without 32-bit calls or vsock",
  },
  {
    id: "D.program-32-bit",
    title: "run a 32-bit program",
    c: `const unsigned char program[] = {
            0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0, 0x54, 0x80, 4, 8, 0x34, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0x34, 0, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 4, 8,
            0, 0x80, 4, 8, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0,
            0x31, 0xc0, 0x40, 0x31, 0xdb, 0xcd, 0x80, 0x0f, 0x0b, 0x90, 0x90, 0x90};
        const char *path = at("WORK", given("SLASH_ID"));
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755), status = 0;
        if (fd < 0 || write(fd, program, sizeof program) < 0) return errno;
        close(fd);
        pid_t pid = fork();
        if (pid == 0) { execl(path, path, (char *)NULL); _exit(errno); }
        waitpid(pid, &status, 0);
        return WIFSIGNALED(status) ? EPERM : WEXITSTATUS(status);`,
    vacuous: "the kernel was built without 32-bit calls",
  },
  {
    id: "D.x32",
    title: "make an x32 call",
    c: "return done(syscall(0x40000000 | SYS_getpid));",
    vacuous: "the kernel was built without x32",
  },
  {
    id: "D.call-minus-one",
    title: "make call number -1",
    c: "return done(syscall(-1));",
    refused: ["ENOSYS", "EPERM"],
    vacuous: "no kernel has it",
  },
  {
    id: "D.call-high",
    title: "make a call beyond the table",
    c: "return done(syscall(1000));",
    refused: ["ENOSYS"],
    vacuous: "no kernel has it",
  },
]);

/** D. Calls of the kernel. */
export const callAttempts: readonly EscapeAttempt[] = [...spaces, ...kernel, ...numbers];
