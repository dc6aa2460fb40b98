import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../helpers/cellinit.ts";
import { isSoak, people } from "../helpers/run-workcell.ts";
import { FaultDesk, sealedFor, type Victim } from "../helpers/start-faults.ts";

const list = (text: string) => text.trim().split(/\s+/);

/**
 * Calls that set a cell up, by who makes them. Workcell's own are those that Node does not make before it: without
 * its first files and threads there is no Workcell that could fail. Not among bwrap's are `write` and `close`: it does
 * not look whether its own child could be told to go on, and the forwarders' shell tries for ever to open what it could
 * not close. Nothing runs then, and Workcell waits until it is ended.
 */
const calls: Readonly<Record<Victim, readonly string[]>> = {
  launcher: list(`
    mkdir rename link chmod chown unlink rmdir readlink getdents64 umask socketpair clone recvmsg
    getsockopt getsockname listen socket bind statfs`),
  cellhost: list(`
    fcntl fstat open close prctl socketpair setsockopt pipe2 rt_sigaction rt_sigprocmask signalfd4
    fork dup2 close_range poll recvmsg getsockopt sendmsg sendto recvfrom wait4 setgroups setresgid
    setresuid capset getresuid getresgid getgroups ioctl pidfd_open`),
  "cellhost and its children": list(`
    setsid getppid unshare mount_setattr openat2 open_tree fsopen fsconfig fsmount move_mount
    mkdirat chdir setgroups setresgid setresuid capset getgroups execve sched_setaffinity`),
  bwrap: list(`
    prctl clone capset capget eventfd2 signalfd4 openat newfstatat fcntl mount umount2 pivot_root
    chdir fchdir mkdir symlink creat readlink access socket bind sendto recvfrom sethostname unshare
    setsid umask getcwd statfs execve read poll wait4 getdents64 seccomp`),
};
const errors = ["ENOMEM", "EMFILE", "ENOSPC", "EINTR", "EPERM"];

/** In CI each kind of call fails once; the long form fails each with every error, and later ones too. */
const faultsOf = (call: string, index: number) =>
  isSoak
    ? errors.flatMap((error) => [1, 2, 3, 5, 8].map((when) => ({ call, error, when })))
    : [{ call, error: errors[index % errors.length] ?? "", when: 1 }];

/** Who loses cellhost while it takes the word to go cannot know whether the command has begun. */
const endings = (victim: Victim, call: string): readonly (number | null)[] =>
  victim === "cellhost" && call === "recvfrom" ? [125, 137] : [125];

const tunnels = ["direct", "socat"] as const;

describe
  .skipIf(lacking("strace", "gcc").length > 0)
  .each(people.map((person, index) => ({ ...person, tunnel: tunnels[index] ?? "direct" })))(
  "a start of $name's in which a call fails, tunnel $tunnel",
  (person) => {
    let desk: FaultDesk;
    const sealed = sealedFor(person);
    beforeAll(() => {
      desk = new FaultDesk(
        { name: person.name, ...(person.uid === undefined ? {} : { uid: person.uid }) },
        person.tunnel,
      );
    });
    afterAll(() => desk[Symbol.dispose]());

    test("control: without a fault the command runs, and finds itself sealed", async () => {
      const run = await desk.run("bwrap");
      expect([run.ended.code, run.ended.stderr, run.canary]).toEqual([0, "", sealed]);
    });

    test("control: without a cell the same look finds no seal", async () => {
      const found = await desk.outside();
      expect(found).toContain("\nNoNewPrivs: 0\nSeccomp: 0\nSeccomp_filters: 0\n");
      expect(found).toContain("\nwhole");
    });

    const cases = Object.entries(calls).flatMap(([victim, names]) =>
      names.map((call, index) => ({ victim: victim as Victim, call, index })),
    );
    const counted = { met: 0, stopped: 0 };

    test.each(cases)(
      "$victim, $call: an unsealed command never runs, and nothing is left",
      async ({ victim, call, index }) => {
        let met = 0;
        for (const fault of faultsOf(call, index)) {
          const { ended, arrived, canary, left } = await desk.run(victim, fault);
          met += arrived;
          expect([fault, left]).toEqual([fault, []]);
          if (canary !== undefined) expect([fault, canary]).toEqual([fault, sealed]);
          else {
            counted.stopped += 1;
            expect([fault, endings(victim, call).includes(ended.code), ended.stdout]).toEqual([
              fault,
              true,
              "",
            ]);
            expect(ended.stderr).toMatch(/^workcell: .+/);
          }
        }
        if (met > 0) counted.met += 1;
      },
      600_000,
    );

    test("the faults did arrive: most calls were made, and many of them stopped the start", () => {
      expect(counted.met).toBeGreaterThan(cases.length / 2);
      expect(counted.stopped).toBeGreaterThan(cases.length / 4);
    });
  },
);
