import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, callNumbers, defaultOptions, lacking, starters } from "../helpers/cellinit.ts";

const kinds = ["seal", "init"] as const;
const cases = starters.flatMap((starter) => kinds.map((kind) => ({ starter, kind })));
const reach = path.resolve(import.meta.dirname, "../fixtures/reach.py");
const statusOf = (text: string) =>
  Object.fromEntries(
    [...text.matchAll(/^(\w+):\s*(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );

describe.skipIf(lacking("bwrap", "python3").length > 0)("a process that cellinit sealed", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  const none = "0".repeat(16);
  const sealed = {
    ...{ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none },
    ...{ NoNewPrivs: "1", Seccomp: "2", Seccomp_filters: "2" },
  };

  test.each(cases)("$kind, started by $starter: holds no privilege, under both filters", (how) => {
    const run = bench.run({ ...how, command: ["cat", "/proc/self/status"] });
    expect(run.code).toBe(0);
    expect(statusOf(run.stdout)).toMatchObject(sealed);
    const control = bench.run({ ...how, control: true, command: ["cat", "/proc/self/status"] });
    expect(statusOf(control.stdout)).toMatchObject({ Seccomp_filters: "1" });
  });

  test("is sealed when it says so, and not only once the command runs", () => {
    // What is sent to the command before it can act on it waits for it: all but SIGKILL and SIGSTOP are held.
    const held = "fffffffffffbfeff";
    const [said] = bench.run({ command: ["true"] }).messages;
    expect(statusOf(`${said?.status}`)).toMatchObject({ ...sealed, Name: "cellinit", SigBlk: held });
  });

  test("gives up capabilities that bwrap left it, the bounding set first", () => {
    const script = "grep -E '^Cap' /proc/self/status";
    const bwrap = ["--cap-add", "ALL"];
    const run = bench.run({ bwrap, command: ["sh", "-c", script] });
    expect(run).toMatchObject({ code: 0, launcher: "" });
    expect(new Set(Object.values(statusOf(run.stdout)))).toEqual(new Set([none]));
    const control = bench.run({ bwrap, control: true, command: ["sh", "-c", script] });
    expect(statusOf(control.stdout)["CapBnd"]).not.toBe(none);
  });

  test("does not start with a bounding set that it cannot drop", () => {
    const bwrap = ["--cap-add", "ALL"];
    const around = `exec setpriv --inh-caps=-all --ambient-caps=-all "$@"`;
    const command = ["sh", "-c", ": > /tmp/open/marker"];
    expect(bench.run({ bwrap, command })).toMatchObject({ code: 0, marked: true });
    const run = bench.run({ bwrap, around, command });
    expect(run).toMatchObject({ code: 125, marked: false });
    expect(run.messages).toMatchObject([{ say: "F", code: 125, error: 1 }]);
    expect(run.messages[0]?.step).toMatch(/^drop from the bounding set capability "\d+"$/);
  });

  test("asks the host about what the second filter refuses, which says EPERM", () => {
    const run = bench.run({ command: ["python3", "-c", mountAttempt] });
    expect(run).toMatchObject({ stdout: "1\n", refused: [callNumbers.mount] });
    const control = bench.run({ control: true, command: ["python3", "-c", mountAttempt] });
    expect(control.refused).toEqual([]);
  });

  test("lowers limits, and raises none", () => {
    const limits = ["nofile=64", "nproc=1000", "core=0", "fsize=5000"].flatMap((limit) => [
      "--rlimit",
      limit,
    ]);
    const script = "for x in '-n' '-u' '-c' '-f'; do ulimit -S $x; ulimit -H $x; done";
    const options = [...defaultOptions, ...limits];
    const shown = (run: { stdout: string }) => run.stdout.trim().split("\n").map(Number);
    const run = bench.run({ options, command: ["bash", "-c", script] });
    expect(shown(run)).toEqual([64, 64, 1000, 1000, 0, 0, 4, 4]);
    const lower = bench.run({ options, around: `ulimit -n 32; exec "$@"`, command: ["bash", "-c", script] });
    expect(shown(lower).slice(0, 2)).toEqual([32, 32]);
    const control = bench.run({ control: true, command: ["bash", "-c", script] });
    expect(shown(control)[0]).toBeGreaterThan(64);
  });

  test.each(kinds)("%s: nothing but 0 to 2 is open in the command", (kind) => {
    const list = `ls /proc/self/fd | grep -v '^3$' | tr '\\n' ' '`;
    const task = { kind, command: ["sh", "-c", list], host: { stray: true } };
    expect(bench.run(task).stdout).toBe("0 1 2 ");
    expect(bench.run({ ...task, control: true }).stdout).toContain("20 5 6 7 77");
  });

  test("a closed 0 to 2 is filled before anything else can take its number", () => {
    const command = ["sh", "-c", "readlink /proc/self/fd/0 /proc/self/fd/2 >&1; ls /proc/self/fd | wc -l"];
    const options = defaultOptions.filter((word) => word !== "--stderr-fd" && word !== "6");
    const run = bench.run({ options, around: `exec <&- 2>&-; exec "$@"`, command });
    expect(run.stdout).toBe("/dev/null\n/dev/null\n4\n");
  });

  test("--uid-check refuses root, and lets it through when it is not asked for", () => {
    const bwrap = ["--uid", "0", "--gid", "0"];
    const command = ["sh", "-c", ": > /tmp/open/marker"];
    const run = bench.run({ bwrap, command });
    expect(run).toMatchObject({ code: 125, marked: false });
    expect(run.messages).toMatchObject([{ say: "F", step: `not one ordinary uid, but "0"`, error: 1 }]);
    const options = defaultOptions.filter((word) => word !== "--uid-check");
    expect(bench.run({ bwrap, options, command })).toMatchObject({ code: 0, marked: true });
  });

  describe("in the arrangement of the reference tunnel", () => {
    const around = `python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("\\0outside"); s.listen(); time.sleep(20)' & sleep 20 &
      sleep 0.5; ("$@") & wait $!; code=$?; kill -9 -1; exit $code`;
    // From its text: the checkout may lie where the cell sees nothing.
    const command = ["python3", "-c", readFileSync(reach, "utf8"), "1", "2", "3", "4"];
    const linesOf = (run: { stdout: string }) => run.stdout.trim().split("\n");

    test("the processes beside it are out of reach, where an unsealed one reaches them", () => {
      const control = linesOf(bench.run({ around, command, control: true }));
      for (const pid of [2, 3, 4])
        for (const what of ["memory", "environment", "trace", "signal"])
          expect(control).toContain(`${what} ${pid}: done`);
      expect(control).toContain("abstract socket: done");

      const run = bench.run({ around, command });
      const scoped = (run.messages[0]?.landlock ?? 0) >= 6;
      const lines = linesOf(run);
      expect(lines).toHaveLength(17);
      for (const pid of [1, 2, 3, 4]) {
        expect(lines).toContain(`memory ${pid}: EACCES`);
        expect(lines).toContain(`environment ${pid}: EACCES`);
        expect(lines).toContain(`trace ${pid}: EPERM`);
        if (scoped) expect(lines).toContain(`signal ${pid}: EPERM`);
      }
      if (scoped) expect(lines).toContain("abstract socket: EPERM");
      else console.warn("cellinit: this kernel's Landlock has no scopes (ABI 6); signals were not tried");
    });
  });
});

const mountAttempt = `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.mount(b"/tmp", b"/tmp", None, 4096, None)
print(ctypes.get_errno())`;
