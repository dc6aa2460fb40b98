import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runToEnd } from "../helpers/cellhost.ts";
import * as helper from "../helpers/supervised.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const { running, sleep } = helper;
const driver = path.resolve(import.meta.dirname, "../fixtures/terminal-driver.cjs");

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
});
afterAll(() => programs[Symbol.dispose]());

interface Shown {
  /** Everything that the person saw. */
  readonly screen: string;
  /** What the stand-in for Workcell wrote down. */
  readonly account: string;
  /** Whether the terminal's modes are afterwards what they were before. */
  readonly modes: string;
}

interface Sitting {
  readonly orders?: string;
  /** What the person does: milliseconds, then keys. */
  readonly keys?: readonly (readonly [number, string])[];
  readonly around?: string;
  readonly isReading?: boolean;
}

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Runs the stand-in's steps on a terminal of 33 rows and 101 columns, at which a person types. */
async function sit(starter: helper.Starter, steps: readonly string[], sitting: Sitting = {}): Promise<Shown> {
  const folder = tempFolder();
  const [account, before, after] = ["account", "before", "after"].map((name) => path.join(folder, name));
  const words = helper.superviseWords(programs, { starter, flags: ["--terminal"] }, steps);
  const start = [process.execPath, driver, account ?? "", sitting.orders ?? "", ...words]
    .map(quote)
    .join(" ");
  const script = `stty rows 33 cols 101; stty -a >${before}; ${sitting.around ?? ""} ${start}; sleep 0.2; stty -a >${after}`;
  const child = spawn("script", ["-qec", script, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: "/usr/bin:/bin", SHELL: "/bin/bash", TERM: "dumb" },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let screen = "";
  const read = () => child.stdout.on("data", (text) => (screen += text));
  if (sitting.isReading !== false) read();
  const closed = once(child, "close");
  for (const [wait, keys] of sitting.keys ?? []) {
    await sleep(wait);
    child.stdin.write(keys);
  }
  const text = (file: string | undefined) => (existsSync(file ?? "") ? readFileSync(file ?? "", "utf8") : "");
  if (sitting.isReading === false) {
    for (let left = 200; left > 0 && !text(account).includes("exit"); left--) await sleep(20);
    read();
  }
  await closed;
  return { screen, account: text(account), modes: text(after) === text(before) ? "same" : text(after) };
}

const present = runToEnd(["script", "--version"]).status === 0;
test.runIf(process.env["CI"])("in CI nothing of this is skipped", () => expect(present).toBe(true));

describe.runIf(present).each(helper.starters)(
  "cellhost supervise --terminal, started by $name",
  (starter) => {
    const shell = ["terminal", "seal", "wait", "exec", "/bin/bash", "--norc", "--noediting", "-i"];

    test("gives the command a terminal of its own, of the same size", async () => {
      const script =
        "for fd in 0 1 2; do test -t $fd || echo no $fd; done; tty; stty size; echo over >/dev/tty";
      const done = await sit(starter, ["terminal", "seal", "wait", "exec", "/bin/sh", "-c", script]);
      expect(done.screen).toMatch(/^\/dev\/pts\/\d+\r\n33 101\r\nover\r\n$/);
      expect(done).toMatchObject({ modes: "same" });
      expect(done.account).toMatch(/"t":"end","status":0,.*\nexit 0\n$/);
    });

    test("Ctrl-C and Ctrl-Z act on the command's jobs, and on nobody outside", async () => {
      const done = await sit(starter, shell, {
        keys: [
          [700, "sleep 100\r"],
          [300, "\x03"],
          [200, "echo code $?; sleep 100\r"],
          [300, "\x1a"],
          [200, "jobs; kill -9 %1; exit 5\r"],
          [200, "exit 5\r"],
        ],
      });
      expect(done.screen).toContain("code 130");
      expect(done.screen).toMatch(/\[1\]\+ +Stopped +sleep 100/);
      expect(done.account).not.toContain("node got");
      expect(done.account).toContain(`"status":${5 << 8}`);
      expect(done.modes).toBe("same");
    });

    test("the command's terminal follows the person's, and Node's word", async () => {
      const watch = `trap 'stty size' WINCH; echo up; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done`;
      const done = await sit(starter, ["terminal", "seal", "wait", "exec", "/bin/bash", "-c", watch], {
        around: "(sleep 0.6; stty rows 20 cols 90 </dev/tty; sleep 0.1; stty rows 33 cols 101 </dev/tty) &",
        orders: "800:w11x22,800:w70000x1,800:w1x",
      });
      expect(done.screen.split("\r\n")).toEqual(expect.arrayContaining(["up", "20 90", "11 22"]));
      expect(done.screen).not.toContain("70000");
    });

    test("many bytes come through whole, both ways", async () => {
      const script =
        "stty raw -echo; echo up; head -c 30000 | sha256sum; head -c 3000000 /dev/zero | tr '\\0' x; echo";
      const typed = "typed keys\n".repeat(3000).slice(0, 30_000);
      const done = await sit(starter, ["terminal", "seal", "wait", "exec", "/bin/bash", "-c", script], {
        keys: [[700, typed]],
      });
      const sum = runToEnd(["sha256sum"], { input: typed }).stdout.trim();
      expect(done.screen.includes(sum)).toBe(true);
      expect(done.screen.match(/x/g)).toHaveLength(3_000_000);
    });

    test("when Node is killed, the person has the terminal back as it was, and nobody stays alive", async () => {
      const word = `mark-${Math.random().toString(36).slice(2)}`;
      const steps = ["terminal", "deaf", "seal", "wait", "print", "up", "sleep", "60000", "status", word];
      const done = await sit(starter, steps, { orders: "300:die" });
      expect(done.screen).toContain("up");
      expect(done.modes).toBe("same");
      expect(running(word)).toEqual([]);
    });

    test("a terminal that takes nothing holds up no order", async () => {
      const steps = ["terminal", "seal", "wait", "exec", "/usr/bin/yes"];
      const done = await sit(starter, steps, { orders: "500:k", isReading: false });
      expect(done.account).toMatch(/"t":"end","status":9,.*\nexit 0\n$/);
      expect(done.modes).toBe("same");
    });

    test("the person's end of the line ends the command's", async () => {
      const trap = `trap 'exit 3' HUP; echo up; while :; do sleep 0.05; done`;
      const folder = tempFolder();
      const account = path.join(folder, "account");
      const words = helper.superviseWords(programs, { starter, flags: ["--terminal"] }, [
        ...["terminal", "seal", "wait", "exec", "/bin/bash", "-c", trap],
      ]);
      const start = ["exec", process.execPath, driver, account, "", ...words].map(quote).join(" ");
      const child = spawn("script", ["-qec", start, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
      await once(child.stdout, "data");
      child.kill("SIGKILL");
      for (let left = 100; left > 0 && !existsSync(account); left--) await sleep(20);
      for (let left = 100; left > 0 && !readFileSync(account, "utf8").includes("exit"); left--)
        await sleep(20);
      expect(readFileSync(account, "utf8")).toMatch(/"t":"end","status":768,.*\nexit 0\n$/);
    });

    test("without a terminal it says so and starts nothing", async () => {
      const cell = helper.supervise(programs, { starter, flags: ["--terminal"] }, "print", "ran");
      expect(await cell.ended).toEqual({ code: 125, signal: null });
      expect(await cell.stderr).toMatch(/^cellhost: use as a terminal "stdin": .* \(errno ENOTTY\)\n$/);
      expect(await cell.stdout).toBe("");
    });

    test("a terminal that was not asked for is dropped, which hangs it up", async () => {
      const cell = helper.supervise(programs, { starter }, "terminal", "sleep", "60000");
      expect(await cell.until("line")).toMatchObject({ text: expect.stringContaining("out of place") });
      expect(await cell.until("end")).toMatchObject({ status: (128 + 1) << 8 });
    });
  },
);
