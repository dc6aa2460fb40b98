import { type EscapeAttempt, group } from "./attempt.ts";

const small = { flags: ["--memory", "64M"] };

/** What a process may take of the machine, within a cell. */
const bounded = group({ proof: "call", refused: ["EPERM"] }, [
  {
    id: "H.descriptors",
    title: "open 5000 descriptors",
    c: `struct rlimit limit = {8192, 8192};
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) { limit.rlim_cur = limit.rlim_max; setrlimit(RLIMIT_NOFILE, &limit); }
        for (int count = 0; count < 5000; count++) if (dup(2) < 0) return errno;
        return 0;`,
    refused: ["EMFILE"],
    vacuous: "the hard limit of descriptors is lower",
  },
  {
    id: "H.raise-limit",
    title: "raise a hard limit",
    c: "struct rlimit limit; getrlimit(RLIMIT_NOFILE, &limit); limit.rlim_max++; return done(setrlimit(RLIMIT_NOFILE, &limit));",
    rootOnly: true,
    vacuous: "fs.nr_open is reached already",
  },
  {
    id: "H.priority",
    title: "take a better priority",
    c: "return done(setpriority(PRIO_PROCESS, 0, -5));",
    refused: ["EACCES", "EPERM"],
    rootOnly: true,
  },
  {
    id: "H.real-time",
    title: "run before everybody else (SCHED_FIFO)",
    c: "struct sched_param how = {1}; return done(sched_setscheduler(0, SCHED_FIFO, &how));",
    rootOnly: true,
    vacuous: "its control group has no share of real time",
  },
  {
    id: "H.io-priority",
    title: "read and write before everybody else",
    c: "return done(syscall(SYS_ioprio_set, 1, 0, (1 << 13) | 0));",
    rootOnly: true,
  },
  {
    id: "H.lock-memory",
    title: "lock 64 MiB in memory",
    c: "void *all = mmap(NULL, 64 * MEBIBYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\nreturn done(mlock(all, 64 * MEBIBYTE));",
    refused: ["ENOMEM", "EPERM"],
    vacuous: "the limit of locked memory is lower",
    rootOnly: true,
  },
  {
    id: "H.terminals",
    title: "open 1100 terminals",
    c: `struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) { limit.rlim_cur = limit.rlim_max; setrlimit(RLIMIT_NOFILE, &limit); }
        for (int count = 0; count < 1100; count++) if (posix_openpt(O_RDWR | O_NOCTTY) < 0) return errno;
        return 0;`,
    refused: ["EMFILE", "ENOSPC"],
  },
]);

/** Each may end its cell. What is taken is little enough for any machine. */
const bombs = group(
  { proof: "call", refused: ["SIGKILL", "ended", "ENOMEM", "ENOSPC", "EDQUOT"], alone: small },
  [
    {
      id: "H.memory",
      title: "use 256 MiB of memory where 64 are allowed",
      c: `char *all = mmap(NULL, 256 * MEBIBYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED) return errno;
        for (long offset = 0; offset < 256 * MEBIBYTE; offset += 4096) all[offset] = 1;
        sleep(2); return 0;`,
    },
    {
      id: "H.memory-of-many",
      title: "use as much in four processes",
      c: `int status = 0, through = 0;
        for (int count = 0; count < 4; count++) {
            if (fork() != 0) continue;
            char *all = mmap(NULL, 64 * MEBIBYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            for (long offset = 0; offset < 64 * MEBIBYTE; offset += 4096) all[offset] = 1;
            sleep(2); _exit(0);
        }
        while (wait(&status) > 0) through += status == 0;
        return through == 4 ? 0 : ENOMEM;`,
    },
    {
      id: "H.memory-of-files",
      title: "use as much in /tmp",
      c: 'int fd = open("/tmp/workcell-escape-filling", O_CREAT | O_RDWR | O_CLOEXEC, 0600); unlink("/tmp/workcell-escape-filling");\nint error = posix_fallocate(fd, 0, 256 * MEBIBYTE); sleep(2); return error;',
      alone: { flags: ["--memory", "64M", "--disk", "64M"] },
    },
    {
      id: "H.memory-of-shm",
      title: "use as much in /dev/shm",
      c: 'int fd = shm_open("/workcell-escape-filling", O_CREAT | O_RDWR, 0600); shm_unlink("/workcell-escape-filling");\nif (fd < 0) return errno;\nint error = posix_fallocate(fd, 0, 256 * MEBIBYTE); sleep(2); return error;',
    },
    {
      id: "H.memory-of-memfd",
      title: "use as much in a file without a name",
      c: 'int fd = (int)syscall(SYS_memfd_create, "filling", 1);\nif (fd < 0) return errno;\nint error = posix_fallocate(fd, 0, 256 * MEBIBYTE); sleep(2); return error;',
    },
    {
      id: "H.memory-of-segment",
      title: "use as much in a shared segment that nobody keeps",
      c: `int segment = shmget(IPC_PRIVATE, 256 * MEBIBYTE, IPC_CREAT | 0600);
        if (segment < 0) return errno;
        char *all = shmat(segment, NULL, 0); shmctl(segment, IPC_RMID, NULL);
        for (long offset = 0; offset < 256 * MEBIBYTE; offset += 4096) all[offset] = 1;
        sleep(2); return 0;`,
    },
    {
      id: "H.disk",
      title: "write 256 MiB at home where 64 are allowed",
      c: `const char *home = access(given("HOME"), W_OK) == 0 ? given("HOME") : given("WORK");
        char path[PATH_MAX]; snprintf(path, sizeof path, "%s/filling", home);
        int fd = open(path, O_CREAT | O_RDWR, 0600);
        if (fd < 0) return errno;
        int error = posix_fallocate(fd, 0, 256 * MEBIBYTE); sleep(2); unlink(path); return error;`,
      alone: { flags: ["--disk", "64M"] },
    },
    {
      id: "H.processes",
      title: "make 600 processes where 64 are allowed",
      c: `int error = 0, made = 0; pid_t all[600];
        for (; made < 600 && error == 0; made++) {
            all[made] = fork();
            if (all[made] == 0) { pause(); _exit(0); }
            if (all[made] < 0) error = errno, made--;
        }
        for (int count = 0; count < made; count++) kill(all[count], SIGKILL);
        while (wait(NULL) > 0) ;
        return error;`,
      alone: { flags: ["--pids", "64"] },
      refused: ["EAGAIN", "ended"],
    },
    {
      id: "H.threads",
      title: "make 600 threads where 64 are allowed",
      c: `pthread_attr_t how; pthread_t thread; pthread_attr_init(&how); pthread_attr_setstacksize(&how, 65536);
        for (int count = 0; count < 600; count++) {
            int error = pthread_create(&thread, &how, (void *(*)(void *))sleep, (void *)5);
            if (error != 0) return error;
        }
        return 0;`,
      alone: { flags: ["--pids", "64"] },
      refused: ["EAGAIN", "ended"],
    },
    {
      id: "H.output",
      title: "write 32 MiB of output where one is allowed",
      c: `static char lines[65536]; memset(lines, 'x', sizeof lines); lines[65535] = 10;
        for (int count = 0; count < 512; count++) if (write(1, lines, sizeof lines) < 0) return errno;
        sleep(2); return 0;`,
      alone: { flags: ["--output", "1M"] },
      refused: ["ended", "EPIPE"],
    },
  ],
);

/** Leaves the terminal, the group and the parent, and waits for the sandbox's end. */
const daemon = (before: string) => `
  if (fork() == 0) {
      setsid(); signal(SIGTERM, SIG_IGN); signal(SIGHUP, SIG_IGN); signal(SIGINT, SIG_IGN);
      if (fork() != 0) _exit(0);
      close(0); close(1); close(2);
      usleep(1500000);
      touch_file(given("WORK_CANARY")); _exit(0);
  }
  ${before} return 0;`;

const survivors = group({ proof: "canary", canary: "$WORK_CANARY", refused: ["own", "ended"] }, [
  {
    id: "H.daemon",
    title: "leave a daemon behind",
    c: daemon("usleep(200000);"),
    alone: { lookAfterMs: 2200 },
  },
  {
    id: "H.orphan",
    title: "go on when what started it is killed",
    c: daemon('printf("ready\\n"); fflush(stdout); sleep(3);'),
    alone: { killed: true, lookAfterMs: 2200 },
  },
  {
    id: "H.over-time",
    title: "go on after its time by ignoring SIGTERM",
    c: 'signal(SIGTERM, SIG_IGN); for (int count = 0; count < 70; count++) usleep(100000); touch_file(given("WORK_CANARY")); return 0;',
    alone: { flags: ["--timeout", "500ms"] },
  },
]);

/** H. Resources and endings. */
export const resourceAttempts: readonly EscapeAttempt[] = [...bounded, ...bombs, ...survivors];
