import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/supervised.ts";

const { bare, bwrap, isRunning, running, sleep, supervise } = helper;

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
});
afterAll(() => programs[Symbol.dispose]());

/** A word that only the processes of one test have on their command lines. */
const mark = () => `mark-${Math.random().toString(36).slice(2)}`;

async function untilGone(word: string): Promise<readonly number[]> {
  for (let left = 100; left > 0 && running(word).length > 0; left--) await sleep(10);
  return running(word);
}

describe.each(helper.starters)("cellhost supervise, started by $name", (starter) => {
  test.each([
    ["in a cell", bwrap],
    ["bare", bare],
  ])("%s: says ready, waits for go, passes the program's code on", async (_where, around) => {
    const steps = ["sleep", "150", "seal", "wait", "print", "ran", "status", "7"];
    const cell = supervise(programs, { starter, around }, ...steps);
    // Before ready it is no order: nothing may wait in the socket that would let the command run unseen.
    cell.send("g");
    const ready = await cell.until("ready");
    expect(ready).toEqual({
      t: "ready",
      pid: expect.any(Number),
      command: expect.any(Number),
      landlock: 5,
    });
    expect(isRunning(ready?.["pid"]) && isRunning(ready?.["command"])).toBe(true);
    await sleep(200);
    expect(cell.all("end")).toEqual([]);
    cell.send("g");
    expect(await cell.ended).toEqual({ code: 0, signal: null });
    expect(await cell.stdout).toBe("ran\n");
    expect(cell.all("end")).toMatchObject([{ status: 7 << 8 }]);
    expect(await cell.stderr).toBe("");
  });

  test("the program's stdin and stdout are the ones that cellhost was given", async () => {
    const cell = supervise(programs, { starter }, "seal", "wait", "exec", "/usr/bin/tr", "a-z", "A-Z");
    await cell.go();
    cell.child.stdin?.end("through\n");
    await cell.ended;
    expect(await cell.stdout).toBe("THROUGH\n");
  });

  test.each([
    ["in a cell", bwrap],
    ["bare", bare],
  ])("%s: when Node lets go of the channel, nobody stays alive", async (_where, around) => {
    const word = mark();
    const steps = ["deaf", "seal", "wait", "orphan", "60000", "sleep", "60000", "status", word];
    const cell = supervise(programs, { starter, around }, ...steps);
    await cell.go();
    await sleep(100);
    expect(running(word).length).toBeGreaterThanOrEqual(2);
    cell.child.disconnect();
    expect(await cell.ended).toEqual({ code: 0, signal: null });
    expect(running(word)).toEqual([]);
  });

  test("when Node lets go of the channel at any moment of the start, nobody stays alive", async () => {
    for (let wait = 0; wait < 24; wait += 2) {
      const word = mark();
      const cell = supervise(programs, { starter }, "seal", "wait", "sleep", "60000", "status", word);
      await sleep(wait);
      cell.child.disconnect();
      await cell.ended;
      expect(running(word)).toEqual([]);
    }
  });

  test("when Node is killed at any moment, nobody stays alive", async () => {
    // Between bwrap's clone and its child's prctl there is a moment when nothing ties the two together.
    for (let round = 0; round < 30; round++) {
      const word = mark();
      const steps = ["deaf", "seal", "wait", "orphan", "60000", "sleep", "60000", "status", word];
      const [program = "", ...words] = helper.superviseWords(programs, { starter }, steps);
      const script = `
        const { spawn } = require("node:child_process");
        const child = spawn(process.argv[1], process.argv.slice(2), { cwd: "/", stdio: ["ignore", "ignore", "ignore", "ipc"] });
        child.on("message", ({ t }) => { if (t === "ready") child.send("g"); });
        console.log("started");`;
      const node = spawn(process.execPath, ["-e", script, program, ...words], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(node.stdout, "data");
      await sleep(round < 20 ? round / 2 : 10 * (round - 19));
      node.kill("SIGKILL");
      await once(node, "close");
      expect(await untilGone(word)).toEqual([]);
    }
  });

  test("bare: says end when the last process is gone, not when the program is", async () => {
    const timed = async (...steps: readonly string[]) => {
      const cell = supervise(programs, { starter, around: bare }, "seal", "wait", ...steps, "status", "0");
      await cell.go();
      const start = performance.now();
      await cell.until("end");
      return performance.now() - start;
    };
    expect(await timed()).toBeLessThan(500);
    expect(await timed("orphan", "800")).toBeGreaterThan(700);
  });

  test("in a cell: nobody is left when end is said, though bwrap waits for its program only", async () => {
    for (let round = 0; round < 10; round++) {
      const word = mark();
      const steps = ["seal", "wait", "orphan", "60000", "orphan", "60000", "status", "0", word];
      const cell = supervise(programs, { starter }, ...steps);
      await cell.go();
      await cell.until("end");
      expect(running(word).filter((pid) => pid !== cell.child.pid)).toEqual([]);
    }
  });

  test("k ends what ignores SIGTERM, and end is said after it", async () => {
    const word = mark();
    const steps = ["deaf", "seal", "wait", "orphan", "60000", "sleep", "60000", "status", word];
    const cell = supervise(programs, { starter }, ...steps);
    const ready = await cell.go();
    cell.send("s15");
    await sleep(200);
    expect(isRunning(ready["command"])).toBe(true);
    cell.send("k");
    expect(await cell.until("end")).toBeDefined();
    expect(running(word).filter((pid) => pid !== cell.child.pid)).toEqual([]);
  });

  test("k before the seal ends the start", async () => {
    const cell = supervise(programs, { starter }, "sleep", "60000");
    cell.send("k");
    expect(await cell.until("end")).toBeDefined();
  });

  test.each([
    ["in a cell", bwrap],
    ["bare", bare],
  ])("%s: a signal reaches the command, and no other process", async (_where, around) => {
    const script = "trap 'echo got; exit 9' USR1; echo up; while :; do sleep 0.05; done";
    const cell = supervise(programs, { starter, around }, "seal", "wait", "exec", "/bin/bash", "-c", script);
    await cell.go();
    await once(cell.child.stdout as NodeJS.ReadableStream, "data");
    for (const wrong of ["s0", "s65", "s", "s-9", "s9 ", "S9", "s010x"]) cell.send(wrong);
    cell.send("s10");
    expect(await cell.until("end")).toMatchObject({ status: 9 << 8 });
  });

  test("says what the cell has used", async () => {
    const used = async (...steps: readonly string[]) => {
      const cell = supervise(programs, { starter }, "seal", "wait", ...steps, "status", "0");
      const end = await cell.run();
      expect(end?.["maxRssKb"]).toBeGreaterThan(500);
      expect(end?.["maxRssKb"]).toBeLessThan(100_000);
      return Number(end?.["cpuUs"]);
    };
    const idle = await used();
    const busy = await used("burn", "400");
    expect(busy - idle).toBeGreaterThan(300_000);
    expect(busy - idle).toBeLessThan(1_000_000);
  });
});
