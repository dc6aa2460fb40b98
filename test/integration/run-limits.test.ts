import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Outcome } from "../../src/model/index.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const mebibyte = 1024 ** 2;
/** Takes memory until it is stopped, or has taken what is named. */
const hoard = (mebibytes: number) =>
  `const kept=[];for(let i=0;i<${mebibytes};i++)kept.push(Buffer.alloc(1048576,1));console.log("kept")`;

describe.each(people)("limits of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  async function run(words: readonly string[]) {
    const file = path.join(desk.home, "outcome.json");
    const ended = await desk.run(["--outcome", file, ...words]);
    return { ...ended, outcome: JSON.parse(readFileSync(file, "utf8")) as Outcome };
  }

  test("memory: what is above it ends the command, and what is below does not", async () => {
    const ended = await run(["--memory", "160M", "node", "-e", hoard(2000)]);
    expect(ended.outcome).toMatchObject({ status: "out-of-memory", exitCode: 137 });
    expect(ended.code).toBe(137);
    expect(ended.stderr).toContain("its limit of memory was reached");
    expect(ended.stderr).toContain("--memory raises it");
    const limit = "limit" in ended.outcome ? ended.outcome.limit : undefined;
    expect(limit).toMatchObject({ name: "memory", limitBytes: 160 * mebibyte, flag: "--memory" });
    expect(limit?.usedBytes).toBeGreaterThan(120 * mebibyte);
    // The control: the same program in a larger cell is left alone.
    const control = await run(["--memory", "1G", "node", "-e", hoard(300)]);
    expect([control.code, control.stdout, control.outcome.status]).toEqual([0, "kept\n", "exited"]);
  });

  test("memory: shared memory counts too", async () => {
    const fill = "dd if=/dev/zero of=/dev/shm/x bs=1M count=400 status=none; sleep 2; echo kept";
    const ended = await run(["--memory", "160M", "sh", "-c", fill]);
    expect(ended.outcome.status).toBe("out-of-memory");
    expect((await run(["--memory", "1G", "sh", "-c", fill])).stdout).toBe("kept\n");
  });

  test("processes: a fork bomb meets its limit, and the next cell starts", async () => {
    const bomb = [
      "import os, time",
      "made = 0",
      "try:",
      "    for made in range(100):",
      "        if os.fork() == 0: time.sleep(5); os._exit(0)",
      "except OSError: pass",
      "print(made)",
    ].join("\n");
    const ended = await run(["--pids", "30", "python3", "-c", bomb]);
    expect(Number(ended.stdout)).toBeLessThan(30);
    // The control: the same bomb in a larger cell makes them all.
    expect((await run(["--pids", "300", "python3", "-c", bomb])).stdout).toBe("99\n");
  });

  test("CPUs: the cell has those it is given, and says so", async () => {
    const ask = 'nproc; grep -c ^processor /proc/cpuinfo; node -p "os.availableParallelism()"';
    expect((await run(["--cpus", "1", "sh", "-c", ask])).stdout).toBe("1\n1\n1\n");
    const above = await desk.run(["--cpus", "4096", "true"]);
    expect([above.code, above.stderr]).toEqual([125, expect.stringContaining('"4096" (flag --cpus)')]);
  });

  test("output: what is above the limit is not handed on, and ends the command", async () => {
    const ended = await run(["--output", "100K", "sh", "-c", "yes"]);
    expect(ended.bytes.length).toBe(100 * 1024);
    expect(ended.outcome).toMatchObject({ status: "output-limit", exitCode: 137 });
    const control = await run(["--output", "100K", "sh", "-c", "yes | head -c 102400"]);
    expect([control.code, control.bytes.length]).toEqual([0, 100 * 1024]);
  });

  test("idle: a silent command is ended, one that speaks is not", async () => {
    const ended = await run(["--idle", "700ms", "sleep", "20"]);
    expect(ended.outcome).toMatchObject({ status: "timed-out", exitCode: 124, idleMs: 700 });
    const speaking = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done";
    expect((await run(["--idle", "700ms", "sh", "-c", speaking])).code).toBe(0);
  });

  test("disk: more than the quota ends the command, and nothing of it stays", async () => {
    const fill = 'dd if=/dev/zero of="$HOME/x" bs=1M count=120 status=none; sync; sleep 2; echo kept';
    const ended = await run(["--disk", "40M", "sh", "-c", fill]);
    expect(ended.outcome).toMatchObject({ status: "disk-full", limit: { name: "disk", flag: "--disk" } });
    expect((await run(["--disk", "400M", "sh", "-c", fill])).stdout).toBe("kept\n");
    const sessions = path.join(desk.home, ".local/state/workcell/sessions");
    for (const name of readdirSync(sessions))
      expect(readdirSync(path.join(sessions, name))).not.toContain("home");
  });

  test("what is held in a weaker way is said in the outcome", async () => {
    const { outcome } = await run(["--waive", "memory", "true"]);
    expect(outcome.weaker).toContainEqual({ limit: "memory", how: "waived" });
    const held = (await run(["true"])).outcome.weaker.map(({ limit }) => limit);
    expect(held).toContain("disk");
  });

  test.each([
    [["--memory", "8M"], "8M"],
    [["--cpus", "0"], "0"],
    [["--pids", "0"], "0"],
    [["--timeout", "0"], "0"],
    [["--waive", "everything"], "everything"],
  ])("%j is refused before anything starts", async (words, value) => {
    const ended = await desk.run([...words, "echo", "ran"]);
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toContain(`"${value}" (flag ${words[0]})`);
    expect(ended.stderr).toContain("remedy: ");
  });
});
