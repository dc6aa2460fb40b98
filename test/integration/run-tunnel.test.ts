import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileFixtureTo } from "../helpers/compile-fixture.ts";
import {
  type Desk,
  isSoak,
  makeDesk,
  people,
  processesOfCell,
  processesWith,
  until,
} from "../helpers/run-workcell.ts";

const starts = isSoak ? 1000 : 40;

/** Tries to reach a port until it answers; prints how many tenths of a second that took, at most 20. */
const back = (port: number) =>
  `t=0; until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null || [ $t -ge 20 ]; do sleep 0.1; t=$((t+1)); done; echo $t`;
const processTable = 'cd /proc; for d in [0-9]*; do read -r n <$d/comm; echo "$d $n"; done';

describe.each(people)("the tunnels of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
    compileFixtureTo(path.join(desk.work, "first-act"), "first-act");
  });
  afterAll(() => desk[Symbol.dispose]());

  /** Starts a command that says `up` and then waits for a line; `host` gives the host's number of one inside. */
  async function startWaiting(words: readonly string[], script: string) {
    const mark = `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const started = desk.start(["run", ...words, "bash", "-c", `echo up; read x; ${script}`, mark]);
    await started.said("up");
    const host = (inside: number) => {
      const pid = processesOfCell(mark).get(inside);
      if (pid === undefined) throw new Error(`The cell has no process ${inside}`);
      return pid;
    };
    return { ...started, mark, host };
  }

  test.each([["--profile=cowork"], ["--profile=standard", "--tunnel=socat"]])(
    "%s %s: PIDs 1 to 5 are the reference's, and there is no other",
    async (...flags) => {
      const { stdout } = await desk.run([...flags, "bash", "-c", `${processTable}; echo`]);
      const table = ["1 bwrap", "2 bash", "3 socat", "4 socat", "5 bash"];
      expect(stdout.trimEnd().split("\n").sort()).toEqual(table);
      const command = await desk.run([...flags, "cat", "/proc/5/cmdline", "/proc/self/stat"]);
      expect(command.stdout).toMatch(/^cat\0\/proc\/5\/cmdline\0\/proc\/self\/stat\x005 \(cat\)/);
      for (const [pid, port, kind] of [
        [3, 3128, "http"],
        [4, 1080, "socks"],
      ] as const) {
        const words = [...flags, "sh", "-c", `tr '\\0' ' ' </proc/${pid}/cmdline`];
        const forward = `TCP-LISTEN:${port},.* UNIX-CONNECT:/tmp/claude-${kind}-[0-9a-f]+\\.sock $`;
        expect((await desk.run(words)).stdout).toMatch(new RegExp(forward));
      }
    },
  );

  test("the direct tunnel has no forwarders: the sandbox, its init and the command", async () => {
    const { stdout } = await desk.run(["--tunnel", "direct", "bash", "-c", `${processTable}; echo`]);
    expect(stdout.trimEnd().split("\n").sort()).toEqual(["1 bwrap", "2 cellinit", "3 bash"]);
  });

  test.each(["socat", "direct"])(
    `tunnel %s: both ports accept before the command's first instruction, ${starts} starts`,
    async (tunnel) => {
      const first = ["--tunnel", tunnel, "-m", `${desk.work}:ro`, path.join(desk.work, "first-act")];
      const codes: (number | null)[] = [];
      const runSome = async (count: number) => {
        for (let at = 0; at < count; at++) codes.push((await desk.run([...first, "3128", "1080"])).code);
      };
      // Two at once: the machine is busy while each of them starts.
      await Promise.all([runSome(starts / 2), runSome(starts / 2)]);
      expect(codes).toEqual(Array(starts).fill(0));
      // The control: the same program says so when nobody listens.
      expect((await desk.run([...first, "3128", "1081"])).code).toBe(2);
    },
    600_000,
  );

  test("forwarders that are killed are back within a second, again and again, and the command goes on", async () => {
    const words = ["--tunnel", "socat"];
    const script = `for n in 1 2 3; do ${back(3128)}; ${back(1080)}; echo round; read x; done; sh -c 'exit 9' & wait $!; exit $?`;
    const { child, mark, text, said, ended, host } = await startWaiting(words, script);
    const forwarders = () => {
      const listening = processesWith("socat TCP-LISTEN:");
      return [...processesOfCell(mark).values()].filter((pid) => listening.includes(pid)).sort();
    };
    expect(forwarders()).toEqual([host(3), host(4)].sort());
    for (let round = 1; round <= 3; round++) {
      for (const pid of forwarders()) process.kill(pid, "SIGKILL");
      child.stdin?.write("\n");
      await until(() => text().split("round").length > round, 5000);
    }
    await said("round");
    child.stdin?.end("\n");
    const { stdout, stderr, code } = await ended;
    expect(stdout.match(/\d+/g)?.filter((tenths) => Number(tenths) >= 10)).toEqual([]);
    expect([code, stderr]).toEqual([9, ""]);
  });

  test("what the command does to its forwarders leaves both ports answering, and its own code as it is", async () => {
    const script = `kill -9 3 4 2>/dev/null; ${back(3128)}; ${back(1080)}; exit 3`;
    const { stdout, stderr, code } = await desk.run(["--tunnel", "socat", "bash", "-c", script]);
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((tenths) => Number(tenths) >= 10),
    ).toEqual([]);
    expect([code, stderr]).toEqual([3, ""]);
    expect(
      (await desk.run(["--tunnel", "socat", "bash", "-c", "kill -9 3 4 2>/dev/null; exit 4"])).code,
    ).toBe(4);
  });

  test.each(["socat", "direct"])(
    "tunnel %s: a cell whose PID 2 is lost ends with an outcome that says so",
    async (tunnel) => {
      const file = path.join(desk.home, `lost-${tunnel}.json`);
      const words = ["--tunnel", tunnel, "--outcome", file];
      const { ended, mark, host } = await startWaiting(words, "sleep 20");
      const asked = performance.now();
      process.kill(host(2), "SIGKILL");
      const { code, stdout, stderr } = await ended;
      expect(performance.now() - asked).toBeLessThan(3000);
      expect([code, stdout]).toEqual([137, "up\n"]);
      expect(stderr).toMatch(/^workcell: the cell was ended: .* lost\n$/);
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
        status: "forwarder-lost",
        exitCode: 137,
      });
      expect(processesWith(mark)).toEqual([]);
    },
  );
});
