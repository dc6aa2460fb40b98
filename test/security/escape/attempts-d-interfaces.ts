import { type EscapeAttempt, group } from "./attempt.ts";

const ofProcess = (who: "VICTIM" | "LAUNCHER", file: string) =>
  `char path[64]; snprintf(path, sizeof path, "/proc/%s/${file}", given("${who}"));`;

const readVictim = `
  char text[256]; struct iovec here = {text, sizeof text}, there = {(void *)strtoul(given("ADDRESS"), NULL, 10), sizeof text};`;

/** What is tried on each of PIDs 1 to 4, which in a cell carry the command's uid, and without one on whoever started it. */
const helpers = (trial: string) =>
  `char path[64] = ""; int error = ESRCH;
   for (int count = 1; count <= 5; count++) {
       int pid = count < 5 ? count : number("LAUNCHER");
       if (pid == getpid() || pid == getppid()) continue;
       ${trial}
       if (error == 0) return 0;
   }
   return error;`;

/** The memory and the secrets of processes on the host. */
const hostProcesses = group({ proof: "secret", refused: ["ENOENT"] }, [
  {
    id: "D.vm-readv-host",
    title: "read a host process's memory by process_vm_readv",
    c: `${readVictim}
        ssize_t length = process_vm_readv(number("VICTIM"), &here, 1, &there, 1, 0);
        return length < 0 ? errno : write(1, text, (size_t)length) < 0 ? errno : 0;`,
    refused: ["EPERM"],
  },
  {
    id: "D.mem-host",
    title: "read its memory by /proc/PID/mem",
    c: `${ofProcess("VICTIM", "mem")} int fd = open(path, O_RDONLY);
        if (fd < 0) return errno;
        lseek(fd, (off_t)strtoul(given("ADDRESS"), NULL, 10), SEEK_SET); return tell(fd);`,
  },
  {
    id: "D.environ-host",
    title: "read its environment",
    c: `${ofProcess("VICTIM", "environ")} return tell_file(path);`,
  },
  {
    id: "D.cmdline-host",
    title: "read its command line",
    c: `${ofProcess("VICTIM", "cmdline")} return tell_file(path);`,
    proof: "call",
  },
  {
    id: "D.maps-host",
    title: "read its memory map",
    c: `${ofProcess("VICTIM", "maps")} return tell_file(path);`,
    proof: "call",
  },
  {
    id: "D.fd-host",
    title: "list its descriptors",
    c: `${ofProcess("VICTIM", "fd")} return done(open(path, O_RDONLY | O_DIRECTORY));`,
    proof: "call",
  },
]);

/** The same of the processes that keep the command, which carry its uid. */
const launcher = group({ proof: "call", refused: ["EACCES", "EPERM"] }, [
  {
    id: "D.mem-launcher",
    title: "open the memory of whoever started the command",
    c: `${ofProcess("LAUNCHER", "mem")} return done(open(path, O_RDWR));`,
  },
  {
    id: "D.maps-launcher",
    title: "read its memory map",
    c: `${ofProcess("LAUNCHER", "maps")} return tell_file(path);`,
  },
  {
    id: "D.fd-launcher",
    title: "see what its descriptors are",
    c: `${ofProcess("LAUNCHER", "fd/2")} char to[64]; return done(readlink(path, to, sizeof to));`,
  },
  {
    id: "D.fd-numbers-of-helpers",
    title: "list the descriptors of PIDs 1 to 4",
    c: helpers(
      'snprintf(path, sizeof path, "/proc/%d/fd", pid); error = done(open(path, O_RDONLY | O_DIRECTORY));',
    ),
    open: "the kernel shows the numbers to whoever has the same uid; what they are stays hidden",
  },
  {
    id: "D.oom-helpers",
    title: "make one of PIDs 1 to 4 the first to die of want of memory",
    c: helpers('snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid); error = may_write(path);'),
  },
  {
    id: "D.autogroup-helpers",
    title: "slow PIDs 1 to 4 down as a group of the scheduler's",
    c: helpers('snprintf(path, sizeof path, "/proc/%d/autogroup", pid); error = may_write(path);'),
    vacuous: "the kernel was built without it",
  },
  {
    id: "D.mem-helpers",
    title: "open the memory of one of PIDs 1 to 4",
    c: helpers('snprintf(path, sizeof path, "/proc/%d/mem", pid); error = done(open(path, O_RDWR));'),
  },
  {
    id: "D.signal-helpers",
    title: "signal one of PIDs 1 to 4",
    c: helpers("(void)path; error = done(kill(pid, 0));"),
  },
  {
    id: "D.oom-launcher",
    title: "make it the first to die of want of memory",
    c: `${ofProcess("LAUNCHER", "oom_score_adj")} return may_write(path);`,
  },
  { id: "D.signal-launcher", title: "signal it", c: 'return done(kill(number("LAUNCHER"), 0));' },
  {
    id: "D.seize-launcher",
    title: "trace it",
    c: 'long seized = ptrace(PTRACE_SEIZE, number("LAUNCHER"), 0, 0); int error = done(seized); ptrace(PTRACE_DETACH, number("LAUNCHER"), 0, 0); return error;',
  },
  {
    id: "D.limit-launcher",
    title: "read its limits by prlimit",
    c: 'struct rlimit limit; return done(prlimit(number("LAUNCHER"), RLIMIT_CORE, NULL, &limit));',
  },
  {
    id: "D.schedule-launcher",
    title: "choose the CPUs that it runs on",
    c: 'cpu_set_t set; sched_getaffinity(0, sizeof set, &set); return done(sched_setaffinity(number("LAUNCHER"), sizeof set, &set));',
  },
  {
    id: "D.slow-launcher",
    title: "set its priority",
    c: 'return done(setpriority(PRIO_PROCESS, (id_t)number("LAUNCHER"), getpriority(PRIO_PROCESS, (id_t)number("LAUNCHER"))));',
  },
]);

/** Calls on processes: of one's own, so that only the filter stands between. */
const ownProcesses = group({ proof: "call", refused: ["EPERM"] }, [
  {
    id: "D.ptrace",
    title: "be traced",
    c: "return done(ptrace(PTRACE_TRACEME, 0, NULL, NULL));",
    vacuous: "this is traced already",
  },
  {
    id: "D.vm-readv",
    title: "read memory by process_vm_readv",
    c: "char from = 1, to = 0; struct iovec there = {&from, 1}, here = {&to, 1};\nreturn done(process_vm_readv(getpid(), &here, 1, &there, 1, 0));",
  },
  {
    id: "D.vm-writev",
    title: "write memory by process_vm_writev",
    c: "char from = 1, to = 0; struct iovec there = {&from, 1}, here = {&to, 1};\nreturn done(process_vm_writev(getpid(), &here, 1, &there, 1, 0));",
  },
  {
    id: "D.pidfd-getfd",
    title: "take a descriptor out of a process",
    c: "return done(syscall(438, (int)syscall(SYS_pidfd_open, getpid(), 0), 0, 0));",
  },
  {
    id: "D.kcmp",
    title: "compare kernel addresses (kcmp)",
    c: "return done(syscall(SYS_kcmp, getpid(), getppid(), 0, 0, 0));",
    vacuous: "the kernel was built without it",
  },
  {
    id: "D.robust-list",
    title: "ask for another's list of locks",
    c: "long list, length; return done(syscall(SYS_get_robust_list, getppid(), &list, &length));",
  },
  {
    id: "D.move-pages",
    title: "ask where another's memory lies",
    c: "return done(syscall(SYS_move_pages, getppid(), 0, NULL, NULL, NULL, 0));",
    vacuous: "the kernel was built without NUMA",
  },
]);

/** What a process must not have. */
const privileges = group({ proof: "call", refused: ["EPERM"] }, [
  {
    id: "D.new-privileges",
    title: "be able to gain privileges by a set-uid program",
    c: "return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? 0 : EPERM;",
  },
  {
    id: "D.bounding-set",
    title: "have a capability left in the bounding set",
    c: "for (int cap = 0; cap < 64; cap++) if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) return 0; return EPERM;",
  },
  {
    id: "D.effective-set",
    title: "have a capability in the effective set",
    sh: '! grep -q "^CapEff:.0*$" /proc/self/status || { echo "Operation not permitted"; exit 1; }',
    rootOnly: true,
  },
  {
    id: "D.ambient-set",
    title: "raise an ambient capability",
    c: "return done(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 10, 0, 0));",
    vacuous: "nothing is inheritable here",
  },
  {
    id: "D.become-root",
    title: "become uid 0",
    c: "return done(setresuid(0, 0, 0)) ?: (geteuid() == 0 ? 0 : EPERM);",
    refused: ["EINVAL", "EPERM"],
    rootOnly: true,
  },
  { id: "D.be-root", title: "be uid 0", c: "return geteuid() == 0 ? 0 : EPERM;", rootOnly: true },
  {
    id: "D.set-uid-program",
    title: "be root in a set-uid program",
    // su waits for a password; who it is by then stands in /proc.
    sh: `su -c true nobody </dev/zero >/dev/null 2>&1 & pid=$!
         for i in 1 2 3 4 5 6 7 8 9 10; do
           set -- $(grep "^Name:" /proc/$pid/status) $(grep "^Uid:" /proc/$pid/status)
           if [ "$2" = su ] && [ "$5" = 0 ]; then kill $pid; exit 0; fi
           sleep 0.02
         done 2>/dev/null; kill $pid 2>/dev/null; echo "Operation not permitted"; exit 1`,
    vacuous: "su had ended before it was looked at",
  },
]);

const knob = (id: string, path: string, vacuous?: string) => ({
  id: `D.${id}` as const,
  title: `open ${path} for writing`,
  c: `return may_write("${path}");`,
  ...(vacuous !== undefined && { vacuous }),
});

/** Files of the kernel's; each is only opened. */
const knobs = group({ proof: "call", refused: ["EROFS", "EACCES", "ENOENT"], rootOnly: true }, [
  knob("core-pattern", "/proc/sys/kernel/core_pattern"),
  knob("modprobe-path", "/proc/sys/kernel/modprobe", "the kernel has no modules"),
  knob("hotplug-path", "/proc/sys/kernel/hotplug", "the kernel was built without it"),
  knob("randomize-va-space", "/proc/sys/kernel/randomize_va_space"),
  knob("suid-dumpable", "/proc/sys/fs/suid_dumpable"),
  knob("overcommit", "/proc/sys/vm/overcommit_memory"),
  knob("ip-forward", "/proc/sys/net/ipv4/ip_forward"),
  knob("ns-last-pid", "/proc/sys/kernel/ns_last_pid", "the kernel was built without checkpoints"),
  knob("binfmt-misc", "/proc/sys/fs/binfmt_misc/register", "binfmt_misc is not mounted"),
  knob("sysrq", "/proc/sysrq-trigger", "the kernel was built without it"),
  knob("irq-affinity", "/proc/irq/default_smp_affinity", "this machine has no interrupt controller"),
  knob("uevent-helper", "/sys/kernel/uevent_helper", "the kernel was built without it"),
  knob("sys-parameter", "/sys/module/printk/parameters/time", "the kernel has no such parameter"),
  knob("huge-pages", "/sys/kernel/mm/transparent_hugepage/enabled", "the kernel was built without it"),
  knob("power-state", "/sys/power/state", "the kernel was built without it"),
  knob("kmsg", "/dev/kmsg"),
  knob("mem-device", "/dev/mem", "the kernel was built without it"),
  knob("loop-control", "/dev/loop-control", "the kernel has no loop devices"),
  knob("kvm", "/dev/kvm", "this machine has none"),
  knob("fuse", "/dev/fuse", "the kernel was built without it"),
  knob("net-tun", "/dev/net/tun", "the kernel was built without it"),
  {
    id: "D.kcore",
    title: "read the kernel's memory (/proc/kcore)",
    c: 'return done(open("/proc/kcore", O_RDONLY));',
    vacuous: "the kernel was built without it",
  },
  {
    id: "D.kernel-addresses",
    title: "learn the kernel's addresses (/proc/kallsyms)",
    sh: 'grep -qv "^0000000000000000" /proc/kallsyms || { echo "Permission denied"; exit 1; }',
    vacuous: "kernel.kptr_restrict",
  },
  {
    id: "D.disk",
    title: "open a disk",
    sh: "for d in /dev/[vsx]d[a-z] /dev/nvme?n? /dev/loop?; do head -c1 $d >/dev/null && exit 0; done; exit 1",
    vacuous: "this machine shows no disk",
  },
  {
    id: "D.release-agent",
    title: "open a control group's release_agent for writing",
    sh: "for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent; do : >>$f && exit 0; done; exit 1",
    vacuous: "no hierarchy of cgroup v1 is mounted",
    refused: ["ENOENT", "EROFS", "EACCES"],
  },
  {
    id: "D.control-group",
    title: "leave the control group",
    sh: "for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do : >>$f && exit 0; done; exit 1",
    vacuous: "no control group is mounted",
  },
  {
    id: "D.oom-score",
    title: "be the last to die of want of memory",
    sh: "echo -1000 >/proc/$$/oom_score_adj",
    vacuous: "needs CAP_SYS_RESOURCE",
    refused: ["EPERM", "EACCES"],
  },
  {
    id: "D.init-environ",
    title: "read PID 1's environment",
    c: 'return tell_file("/proc/1/environ");',
    refused: ["EACCES", "EPERM", "ENODATA"],
    vacuous: "this may not look at the host's PID 1 either",
  },
  {
    id: "D.init-mem",
    title: "open PID 1's memory",
    c: 'return done(open("/proc/1/mem", O_RDWR));',
    refused: ["EACCES", "EPERM"],
    vacuous: "this may not look at the host's PID 1 either",
  },
  {
    id: "D.init-root",
    title: "look at PID 1's root",
    c: 'return done(open("/proc/1/root/etc", O_RDONLY | O_DIRECTORY));',
    refused: ["EACCES", "EPERM"],
    vacuous: "this may not look at the host's PID 1 either",
  },
  { id: "D.init-signal", title: "signal PID 1", c: "return done(kill(1, 0));", refused: ["EPERM"] },
]);

const dumps = group({ proof: "call", refused: ["EPERM"] }, [
  {
    id: "D.core-dump",
    title: "have the kernel write a core, by whatever the machine set up for that",
    c: `struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(RLIMIT_CORE, &all); all.rlim_cur = all.rlim_max; setrlimit(RLIMIT_CORE, &all);
        int status = 0;
        if (chdir(given("WORK")) != 0) return errno;
        pid_t pid = fork();
        if (pid == 0) abort();
        waitpid(pid, &status, 0);
        return WCOREDUMP(status) ? 0 : EPERM;`,
    vacuous: "the hard limit of cores is 0, or the machine writes none",
  },
]);

/** D. Processes and interfaces of the kernel. */
export const interfaceAttempts: readonly EscapeAttempt[] = [
  ...hostProcesses,
  ...launcher,
  ...ownProcesses,
  ...privileges,
  ...knobs,
  ...dumps,
];
