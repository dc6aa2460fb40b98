import { type EscapeAttempt, group } from "./attempt.ts";

const noInjection = "dev.tty.legacy_tiocsti is 0: the kernel refuses it to all but the host's root";

/** A. Terminal and session. */
export const terminalAttempts: readonly EscapeAttempt[] = [
  ...group({ proof: "call", refused: ["EPERM"], terminal: true, vacuous: noInjection }, [
    {
      id: "A.tiocsti",
      title: "type into the person's terminal (TIOCSTI)",
      c: 'return done(ioctl(0, TIOCSTI, "x"));',
    },
    {
      id: "A.tiocsti-upper-bits",
      title: "type into it with a request that is wider than the kernel looks",
      c: 'return done(syscall(SYS_ioctl, 0, 0xdeadbeef00000000ul | TIOCSTI, "x"));',
    },
  ]),
  ...group({ proof: "looked", refused: ["EPERM"] }, [
    {
      id: "A.tioclinux",
      title: "paste the console's selection (TIOCLINUX)",
      c: "char paste = 3; return done(ioctl(0, TIOCLINUX, &paste));",
      looked: ["ENOTTY", "EINVAL"],
      terminal: true,
    },
    {
      id: "A.tioccons",
      title: "take over what the console prints (TIOCCONS)",
      // A terminal would really take it over, for root: the null device is asked instead.
      c: 'return done(ioctl(open("/dev/null", O_RDONLY), TIOCCONS, NULL));',
      looked: ["ENOTTY"],
    },
  ]),
  ...group({ proof: "call", refused: ["ENOTTY"], terminal: true }, [
    {
      id: "A.controlling-terminal",
      title: "open the controlling terminal",
      c: 'return done(open("/dev/tty", O_RDWR));',
      refused: ["ENXIO"],
    },
    {
      id: "A.session-of-terminal",
      title: "be of the terminal's session",
      c: "pid_t session = tcgetsid(0); return session == -1 ? errno : session == getsid(0) ? 0 : ESRCH;",
    },
    {
      id: "A.take-foreground",
      title: "become the terminal's foreground group",
      c: "signal(SIGTTOU, SIG_IGN); return done(tcsetpgrp(0, getpgrp()));",
    },
    {
      id: "A.foreground-group",
      title: "ask which process group the terminal listens to",
      c: "return done(tcgetpgrp(0));",
    },
    {
      id: "A.steal-terminal",
      title: "steal the terminal for a session of its own",
      // Whoever leads a group can begin no session.
      c: `int status = 0;
          if (fork() == 0) { setsid(); _exit(done(ioctl(0, TIOCSCTTY, 1))); }
          wait(&status);
          return WEXITSTATUS(status);`,
      refused: ["EPERM"],
      rootOnly: true,
    },
  ]),
  ...group({ proof: "call", refused: ["ENOENT"] }, [
    {
      id: "A.type-to-other-terminal",
      title: "write to another terminal of the person's",
      c: 'return touch(open(given("TERMINAL"), O_WRONLY | O_NOCTTY));',
      proof: "canary",
      canary: "$TYPED",
    },
    {
      id: "A.list-terminals",
      title: "see another terminal of the person's",
      c: 'return done(access(given("TERMINAL"), F_OK));',
    },
    {
      id: "A.signal-host-group",
      title: "signal a process group of the host's",
      c: 'return done(kill(-number("VICTIM"), SIGRTMIN));',
      proof: "canary",
      canary: "$OUT/signalled-0",
      refused: ["ESRCH"],
    },
    {
      id: "A.see-host-group",
      title: "ask for a process group of the host's",
      c: 'return done(getpgid(number("VICTIM")));',
      refused: ["ESRCH"],
    },
  ]),
];
