import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, isSoak, makeDesk, people, processesWith } from "../helpers/run-workcell.ts";

const source = path.resolve(import.meta.dirname, "../fixtures/first-act.c");
const starts = isSoak ? 1000 : 40;

/** Tries to reach a port until it answers; prints how many tenths of a second that took, at most 20. */
const back = (port: number) =>
  `t=0; until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null || [ $t -ge 20 ]; do sleep 0.1; t=$((t+1)); done; echo $t`;

describe.each(people)("the reference tunnel of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
    execFileSync("gcc", ["-O1", "-Wall", "-Werror", "-o", path.join(desk.work, "first-act"), source]);
  });
  afterAll(() => desk[Symbol.dispose]());

  test.each(["cowork", "standard"])(
    "profile %s: PIDs 1 to 5 are the reference's, and there is no other",
    async (profile) => {
      const list = 'cd /proc; for d in [0-9]*; do read -r n <$d/comm; echo "$d $n"; done';
      const { stdout } = await desk.run(["--profile", profile, "bash", "-c", `${list}; echo`]);
      expect(stdout.trimEnd().split("\n").sort()).toEqual([
        "1 bwrap",
        "2 bash",
        "3 socat",
        "4 socat",
        "5 bash",
      ]);
      const command = await desk.run(["--profile", profile, "cat", "/proc/5/cmdline", "/proc/self/stat"]);
      expect(command.stdout).toMatch(/^cat\0\/proc\/5\/cmdline\0\/proc\/self\/stat\x005 \(cat\)/);
      for (const [pid, port, kind] of [
        [3, 3128, "http"],
        [4, 1080, "socks"],
      ] as const) {
        const words = ["--profile", profile, "sh", "-c", `tr '\\0' ' ' </proc/${pid}/cmdline`];
        const forward = `TCP-LISTEN:${port},.* UNIX-CONNECT:/tmp/claude-${kind}-[0-9a-f]+\\.sock $`;
        expect((await desk.run(words)).stdout).toMatch(new RegExp(forward));
      }
    },
  );

  test(`both ports accept before the command's first instruction: ${starts} starts`, async () => {
    const words = ["-m", `${desk.work}:ro`, path.join(desk.work, "first-act"), "3128", "1080"];
    const codes: (number | null)[] = [];
    const runSome = async (count: number) => {
      for (let at = 0; at < count; at++) codes.push((await desk.run(words)).code);
    };
    // Two at once: the machine is busy while each of them starts.
    await Promise.all([runSome(starts / 2), runSome(starts / 2)]);
    expect(codes).toEqual(Array(starts).fill(0));
    // The control: the same program says so when nobody listens.
    const control = await desk.run([...words.slice(0, 3), "3128", "1081"]);
    expect(control.code).toBe(2);
  }, 600_000);

  test.each([
    [3, 3128],
    [4, 1080],
  ])("the forwarder at PID %i is back within a second when the command kills it", async (pid, port) => {
    const script = `kill -9 ${pid}; while [ -e /proc/${pid} ]; do sleep 0.02; done; ${back(port)}`;
    const { stdout, stderr, code } = await desk.run(["bash", "-c", script]);
    expect(Number(stdout)).toBeLessThan(10);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("both forwarders come back again and again, and the command's own children are its own", async () => {
    const kill = "for p in $(pgrep -x socat); do kill -9 $p 2>/dev/null; done";
    const script = `for n in 1 2 3 4 5; do ${kill}; ${back(3128)}; ${back(1080)}; done; sh -c 'exit 9' & wait $!; exit $?`;
    const { stdout, stderr, code } = await desk.run(["bash", "-c", script]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map(Number)
        .filter((tenths) => tenths >= 10),
    ).toEqual([]);
    expect([code, stderr]).toEqual([9, ""]);
  });

  test("a forwarder that goes while the command ends does not change its code", async () => {
    for (const code of [0, 3]) {
      expect((await desk.run(["bash", "-c", `kill -9 3 4; exit ${code}`])).code).toBe(code);
    }
  });

  test("a cell whose shell is killed from inside ends with an outcome that says so, and nothing goes on", async () => {
    const mark = `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const started = performance.now();
    const words = ["--outcome", path.join(desk.home, "lost.json"), "bash", "-c", "kill -9 2; sleep 20", mark];
    const ended = await desk.run(words);
    expect(performance.now() - started).toBeLessThan(3000);
    const said = "workcell: the cell was ended: the shell that looks after its tunnels was lost\n";
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([137, "", said]);
    expect(processesWith(mark)).toEqual([]);
    expect((await desk.outcomeOf(["bash", "-c", "kill -9 2; sleep 20"])).status).toBe("forwarder-lost");
  });
});
