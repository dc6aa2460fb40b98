import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileFixture } from "../helpers/compile-fixture.ts";
import { type Desk, makeDesk, people, startProgram } from "../helpers/run-workcell.ts";

const isRoot = process.getuid?.() === 0;
const list = (text: string) => text.trim().split(/\s+/);
const fixture = (name: string) => path.resolve(import.meta.dirname, "../fixtures", name);

/** Whether a program can be run so here: what the tests make their containers with. */
function works(words: readonly string[]): boolean {
  const [program = "", ...rest] = words;
  try {
    execFileSync(program, [...rest, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const mayMakeContainers = isRoot && works(["unshare", "-m", "-p", "-f"]);

describe.each(people)("workcell run in a container, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const run = (through: readonly string[], words: readonly string[] = ["echo", "ran"]) =>
    desk.run(words, { cwd: "/", through });
  const doctor = async (through: readonly string[]) =>
    (await desk.workcell(["doctor"], { cwd: "/", through })).stdout;
  const refused = (why: string, remedy: string) => ({
    code: 125,
    stdout: "",
    stderr: expect.stringMatching(new RegExp(`^workcell: .*${why}.*\\n +remedy: .*${remedy}.*\\n$`)),
  });

  test("a filter on Workcell itself that refuses nothing: works", async () => {
    expect(await run([compileFixture("under-filter"), "harmless"])).toMatchObject({
      ...{ code: 0, stdout: "ran\n", stderr: "" },
    });
  });

  test("a filter that refuses namespaces and mounts: 125, and the doctor says the same", async () => {
    const through = [compileFixture("under-filter"), "container"];
    const why = person.uid === undefined && isRoot ? "CAP_SYS_ADMIN, or a filter" : "user namespaces";
    expect(await run(through)).toMatchObject(refused(why, "(ordinary user|seccomp=unconfined)"));
    expect(await doctor(through)).toMatch(/^missing +bubblewrap .*user namespaces/m);
  });

  test("a filter with a listener of somebody else's: 125, and the doctor says the same", async () => {
    const through = [compileFixture("under-filter"), "listening"];
    const why = "watches Workcell's own system calls";
    for (const tunnel of ["socat", "direct"])
      expect(await run(through, ["--tunnel", tunnel, "echo", "ran"])).toMatchObject(
        refused(why, "outside of that program"),
      );
    expect(await doctor(through)).toMatch(new RegExp(`^missing +seccomp .*${why}`, "m"));
  });

  const rootless = ["unshare", "--user", "--map-root-user"];
  test.skipIf(!works(rootless))("root of a user namespace with one uid: 125 with what it has", async () => {
    expect(await run(rootless)).toMatchObject(refused("has the uids 0-0", "--uid-range FIRST-LAST"));
    expect(await doctor(rootless)).toMatch(/^missing +uid range .*cannot become/m);
  });

  /** In new PID and mount namespaces, as this person. */
  const inContainer = (mask: "yes" | "no", words: readonly string[]) => {
    const { uid } = person;
    const become =
      uid === undefined ? [] : ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
    const made = ["unshare", "-m", "-p", "-f", "sh", fixture("masked-proc.sh"), mask, ...become, ...words];
    const env = { PATH: process.env["PATH"] ?? "", HOME: desk.home };
    return startProgram({ name: "root" }, made, { cwd: "/", env }).ended;
  };
  const workcellRun = (...words: readonly string[]) => [desk.program, "run", ...words];

  describe.skipIf(!mayMakeContainers)("with a /proc of its own", () => {
    const isUser = person.uid !== undefined;
    test.runIf(isUser)("masked: 125 with the engine's options; control: not masked, it works", async () => {
      expect(await inContainer("yes", workcellRun("echo", "ran"))).toMatchObject(
        refused("/proc is masked, as in a container", "systempaths=unconfined"),
      );
      expect(await inContainer("no", workcellRun("echo", "ran"))).toMatchObject({ code: 0, stdout: "ran\n" });
    });

    test.runIf(isUser)("masked: the doctor says so with the same remedy", async () => {
      const { stdout } = await inContainer("yes", [desk.program, "doctor"]);
      expect(stdout).toMatch(/^missing +bubblewrap .*\/proc is masked/m);
      expect(stdout).toContain("systempaths=unconfined");
    });

    test.runIf(!isUser)(
      "masked: root's cell has a whole /proc, and the container's stays masked",
      async () => {
        const script = `${desk.program} run -- sh -c 'cat /proc/self/stat | wc -l; ls /proc | grep -c "^[0-9]"'
        grep -c " /proc/" /proc/self/mountinfo; cat /proc/timer_list | wc -c; ${desk.program} doctor`;
        const before = await inContainer("yes", ["grep", "-c", " /proc/", "/proc/self/mountinfo"]);
        const { code, stdout } = await inContainer("yes", ["sh", "-c", script]);
        const [whole, processes, mounts, hidden] = stdout.split("\n");
        expect([whole, hidden]).toEqual(["1", "0"]);
        expect(Number(processes)).toBeLessThan(9);
        expect(`${mounts}\n`).toBe(before.stdout);
        expect(stdout).toMatch(/^ok +bubblewrap .*\/proc is masked here, and root's cells get a whole one$/m);
        expect(code).toBe(0);
      },
    );

    test.runIf(!isUser)(
      "root who may not look into others' processes: 125, since nothing holds its limits; waived, it works",
      async () => {
        const without = ["setpriv", "--inh-caps", "-sys_ptrace", "--bounding-set", "-sys_ptrace"];
        const blind = (...words: readonly string[]) => inContainer("yes", [...without, ...words]);
        expect(await blind(...workcellRun("sleep", "1"))).toMatchObject(
          refused(
            "limits of memory and disk: .*CAP_SYS_PTRACE",
            "--cap-add SYS_PTRACE.*--waive memory --waive disk",
          ),
        );
        expect(
          await blind(...workcellRun(...["--waive", "memory", "--waive", "disk"], "sleep", "1")),
        ).toMatchObject({ code: 0 });
        const { stdout } = await blind(desk.program, "doctor");
        expect(stdout).toMatch(/^missing +cgroups .*lacks CAP_SYS_PTRACE/m);
        // Control: with the capability the memory is watched.
        expect(await inContainer("yes", workcellRun("sleep", "1"))).toMatchObject({ code: 0 });
      },
    );

    test.runIf(!isUser).each(["direct", "socat"])(
      "masked: root's cell is sealed as any, tunnel %s",
      async (tunnel) => {
        const knobs =
          list(`sys/kernel/core_pattern sys/kernel/panic sys/fs/suid_dumpable sys/vm/overcommit_memory
        sys/net/core/somaxconn sys/user/max_user_namespaces irq/default_smp_affinity`);
        const write = `for knob in ${knobs.join(" ")}; do read -r value </proc/$knob && echo "$value" 2>&- >/proc/$knob && echo wrote $knob; done 2>&-`;
        const others = `: >/proc/sysrq-trigger && echo wrote sysrq
        head -c1 /proc/kcore && echo read kcore; head -c1 /proc/timer_list | grep -q . && echo read timers
        echo 0 >/proc/1/oom_score_adj && echo wrote of 1; ls /proc/1/root && echo entered 1
        unshare -U true && echo unshared; mount -t proc proc /proc && echo mounted`;
        const look =
          "grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups)' /proc/self/status; cat /proc/self/uid_map";
        const script = `( ${write}\n${others} ) 2>/dev/null; ${look}`;
        const sealed = await inContainer("yes", workcellRun("--tunnel", tunnel, "bash", "-c", script));
        const lines = sealed.stdout.split("\n");
        expect(lines.filter((line) => /^(wrote|read|entered|unshared|mounted)/.test(line))).toEqual([]);
        for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
          expect(lines).toContain(`${name}:\t${"0".repeat(16)}`);
        expect(lines).toEqual(
          expect.arrayContaining(["NoNewPrivs:\t1", "Seccomp_filters:\t2", "Groups:\t "]),
        );
        expect(sealed.stdout).toMatch(/^Uid:\t([1-9]\d+)\t\1\t\1\t\1$/m);
        // One uid, which is not the host's root: what stands for it outside is the session's.
        expect(sealed.stdout).toMatch(/^ +([1-9]\d+) +(0|[1-9]\d+) +1$/m);

        // The controls: the container's root itself may write what is not masked, and does.
        const control = await inContainer("no", ["bash", "-c", `${write}`]);
        expect(control.stdout).toContain("wrote sys/kernel/core_pattern\n");
        const masked = await inContainer("yes", ["bash", "-c", `mount -t proc proc /proc; ${write}`]);
        expect(masked.stdout).toContain("wrote sys/kernel/core_pattern\n");
      },
    );

    test.runIf(!isUser)("masked: who the cell's processes are outside is nobody's root", async () => {
      const script = `${desk.program} run -- sh -c 'echo up; sleep 3' >/dev/null &
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.1; pid=$(pgrep -x sleep -n -P "$(pgrep -f '^sh -c echo up' -n)") && break; done
        grep -E '^(Uid|Gid|CapBnd)' /proc/$pid/status; wait`;
      const { stdout } = await inContainer("yes", ["bash", "-c", script]);
      expect(stdout).toMatch(/^Uid:\t(\d+)\t\1\t\1\t\1\nGid:\t(\d+)\t\2\t\2\t\2\nCapBnd:\t0{16}\n$/);
      expect(Number(/\d+/.exec(stdout)?.[0])).toBeGreaterThanOrEqual(1_900_000_000);
    });

    test.each(["end", "kill"])("an entrypoint that reaps nothing: nobody is alive after %s", async (how) => {
      const command = how === "end" ? "echo up; sleep 0.2 &" : "echo up; sleep 1000 & sleep 1000";
      // The checkout may lie where this person cannot go.
      const entrypoint = desk.file("entrypoint.py", readFileSync(fixture("bare-entrypoint.py")));
      const words = ["/usr/bin/python3", entrypoint, how, ...workcellRun("sh", "-c", command)];
      expect(await inContainer("no", words)).toMatchObject({ code: 0, stdout: "up some []\n" });
    });
  });

  const bounded = ["setpriv", "--bounding-set", "-sys_admin"];
  test.skipIf(!isRoot || person.uid !== undefined)(
    "root without CAP_SYS_ADMIN: 125, and the doctor says the same",
    async () => {
      expect(await run(bounded)).toMatchObject(refused("it lacks CAP_SYS_ADMIN", "--cap-add SYS_ADMIN"));
      expect(await doctor(bounded)).toMatch(/^missing +idmapped mounts .*CAP_SYS_ADMIN/m);
    },
  );
});
