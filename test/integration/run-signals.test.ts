import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Outcome } from "../../src/model/index.ts";
import { type Desk, makeDesk, processesWith, someWays, until } from "../helpers/run-workcell.ts";

/** Waits in steps, so that a trap of the shell runs soon, and without a child that a signal would end. */
const waitLong = "i=0; while [ $i -lt 300 ]; do read -t 0.05 -u 9; i=$((i+1)); done";
const prepareToWait = "mkfifo /tmp/never; exec 9<>/tmp/never";
const trapping = (name: string, code: number) =>
  `${prepareToWait}; trap 'echo got ${name}; exit ${code}' ${name}; echo up; ${waitLong}`;
/** The same with children, which the terminal signals too. */
const sleepLong = "i=0; while [ $i -lt 300 ]; do sleep 0.05; i=$((i+1)); done";
/** A word that no other process of this machine has on its command line. */
const makeMark = () => `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;

describe.each(someWays)("signals to workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const outcomeFile = () => path.join(desk.home, "outcome.json");
  const readOutcome = () => JSON.parse(readFileSync(outcomeFile(), "utf8")) as Outcome;

  test.each([
    ["SIGINT", 41],
    ["SIGTERM", 42],
    ["SIGHUP", 43],
    ["SIGUSR1", 44],
    ["SIGUSR2", 45],
    ["SIGQUIT", 46],
    ["SIGALRM", 47],
    ["SIGIO", 48],
  ] as const)("%s reaches the command, whose trap runs and whose code passes", async (name, code) => {
    const { child, said, ended } = desk.start(["run", "bash", "-c", trapping(name.slice(3), code)]);
    await said("up");
    child.kill(name);
    const { stdout, stderr, code: found } = await ended;
    expect([found, stdout, stderr]).toEqual([code, `up\ngot ${name.slice(3)}\n`, ""]);
  });

  test("SIGUSR1 is for the command alone, and spares its children", async () => {
    const script = `sleep 0.5 & trap 'wait $!; echo child ended with $?' USR1; echo up; wait $!`;
    const { child, said, ended } = desk.start(["run", "bash", "-c", script]);
    await said("up");
    child.kill("SIGUSR1");
    expect((await ended).stdout).toBe("up\nchild ended with 0\n");
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGUSR1", 138],
    ["SIGALRM", 142],
  ] as const)(
    "%s ends a command that does not handle it, and the outcome says so",
    async (name, exitCode) => {
      const words = ["run", "--outcome", outcomeFile(), "sh", "-c", "echo up; exec sleep 20"];
      const { child, said, ended } = desk.start(words);
      await said("up");
      child.kill(name);
      expect((await ended).code).toBe(exitCode);
      expect(readOutcome()).toMatchObject({ status: "signalled", exitCode, signal: name });
    },
  );

  test("Ctrl-C on a terminal reaches a shell and its child, and neither forwarder nor sandbox", async () => {
    const child = `(trap 'echo child got it; exit' INT; ${sleepLong}) &`;
    const script = `trap 'wait; echo shell got it; exec 3<>/dev/tcp/127.0.0.1/3128 && exit 7' INT; ${child} echo up; ${sleepLong}`;
    const { child: typist, said, ended } = desk.startOnTerminal(["run", "bash", "-c", script]);
    await said("up");
    // The child's trap stands a moment after the shell has said it is up.
    await new Promise((resolve) => setTimeout(resolve, 200));
    typist.stdin?.write("\x03");
    const { code, stdout } = await ended;
    expect(stdout.match(/(child|shell) got it/g)?.sort()).toEqual(["child got it", "shell got it"]);
    expect(code).toBe(7);
  });

  test("Ctrl-C ends what a shell waits for, and the shell with it", async () => {
    const words = ["run", "--outcome", outcomeFile(), "bash", "-c", "echo up; sleep 20; echo not reached"];
    const { child: typist, said, ended } = desk.startOnTerminal(words);
    await said("up");
    await new Promise((resolve) => setTimeout(resolve, 100));
    typist.stdin?.write("\x03");
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).not.toContain("not reached");
    expect(readOutcome()).toMatchObject({ status: "signalled", signal: "SIGINT" });
  });

  test("a third Ctrl-C cancels a command that ignores it", async () => {
    const script = `${prepareToWait}; trap 'echo no' INT; echo up; ${waitLong}`;
    const { child, said, ended } = desk.start(["run", "--outcome", outcomeFile(), "bash", "-c", script]);
    await said("up");
    for (let asked = 0; asked < 3; asked++) {
      child.kill("SIGINT");
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([130, "workcell: the command was cancelled\n"]);
    expect(readOutcome().status).toBe("cancelled");
  });

  test("Ctrl-Z stops the command too, and SIGCONT lets both go on", async () => {
    const beat = path.join(desk.folder("beat"), "count");
    const script = `i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $i >${beat}; [ $i = 2 ] && echo up; sleep 0.02; done`;
    const words = ["run", "-m", `${path.dirname(beat)}:rw`, "sh", "-c", script];
    const { child, said, ended } = desk.start(words);
    await said("up");
    child.kill("SIGTSTP");
    const isStopped = () => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8"));
    await until(isStopped, 2000);
    const before = readFileSync(beat, "utf8");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(readFileSync(beat, "utf8")).toBe(before);
    child.kill("SIGCONT");
    expect((await ended).code).toBe(0);
    expect(readFileSync(beat, "utf8")).toBe("40\n");
  });

  test("a signal while the cell starts ends it, at whatever moment, and leaves nothing running", async () => {
    const mark = makeMark();
    for (const delay of [0, 10, 20, 30, 40, 50, 60, 70]) {
      const { child, ended } = desk.start(["run", "sh", "-c", "sleep 20", mark]);
      await new Promise((resolve) => setTimeout(resolve, delay));
      const asked = performance.now();
      child.kill("SIGTERM");
      const { code, signal } = await ended;
      expect(performance.now() - asked).toBeLessThan(3000);
      expect([130, 143, "SIGTERM"]).toContain(code ?? signal);
    }
    await until(() => processesWith(mark).length === 0, 1000);
  });

  test("a Workcell that is killed leaves nothing of its cell running", async () => {
    const mark = makeMark();
    const { child, said, ended } = desk.start([
      "run",
      "sh",
      "-c",
      "setsid sleep 30 & echo up; sleep 30",
      mark,
    ]);
    await said("up");
    expect(processesWith(mark).length).toBeGreaterThan(2);
    child.kill("SIGKILL");
    await until(() => processesWith(mark).length === 0, 1000);
    expect((await ended).signal).toBe("SIGKILL");
  });

  test("--timeout asks the command to end, and says 124 whatever it answers", async () => {
    const words = ["--timeout", "400ms", "--outcome", outcomeFile(), "bash", "-c"];
    const script = `${prepareToWait}; trap 'echo bye; exit 3' TERM; ${waitLong}`;
    const started = performance.now();
    const ended = await desk.run([...words, script]);
    expect(performance.now() - started).toBeLessThan(3000);
    const said = "workcell: the command was ended: its time was up (--timeout gives it more)\n";
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([124, "bye\n", said]);
    expect(readOutcome()).toMatchObject({ status: "timed-out", exitCode: 124, signal: null });
    // A command that is done in time knows nothing of it, and a stopped one is woken to be ended.
    expect((await desk.run(["--timeout", "20s", "sh", "-c", "exit 5"])).code).toBe(5);
    expect((await desk.run(["--timeout", "300ms", "sh", "-c", "kill -STOP $$"])).code).toBe(124);
  });

  test("--timeout ends a command that will not, after its grace, with all it has started", async () => {
    const mark = makeMark();
    const script = `${prepareToWait}; trap '' TERM INT; setsid sleep 30 & ${waitLong}; exit 0`;
    const started = performance.now();
    const ended = await desk.run(["--timeout", "300ms", "bash", "-c", script, mark]);
    const took = performance.now() - started;
    expect(ended.code).toBe(124);
    expect(took).toBeGreaterThan(5000);
    expect(took).toBeLessThan(8000);
    expect(processesWith(mark)).toEqual([]);
  });
});
