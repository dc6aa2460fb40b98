import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { childrenOf } from "../../src/launch/processes.ts";
import { lacking } from "../helpers/cellinit.ts";
import { type Desk, isSoak, makeDesk, people, type Started, until } from "../helpers/run-workcell.ts";

const ROUNDS = isSoak ? 200 : 25;
const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);

/** Processes that hold something of a cell of this desk open, or name it: all of a cell that is being built. */
function ofCells(desk: Desk): readonly number[] {
  const isOfCell = (pid: number) => {
    try {
      if (/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) return false;
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      return open.some((place) => place.startsWith(`${desk.state}/sessions/`) && place.endsWith(".bpf"));
    } catch {
      // It has ended.
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isOfCell);
}

/** The child of a process that was started with these words. */
const childOf = (parent: number, words: RegExp): number | undefined =>
  childrenOf(parent).find((pid) => {
    try {
      return words.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });

const cellhostOf = ({ child }: Started) => childOf(child.pid ?? 0, /cellhost\0supervise\0/);

async function waitForCellhost(started: Started): Promise<number> {
  await until(() => cellhostOf(started) !== undefined || started.child.exitCode !== null, 10_000);
  return cellhostOf(started) ?? 0;
}

describe.each(people)("cellhost of $name killed by SIGKILL", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person, "/var/tmp");
  });
  afterAll(() => desk[Symbol.dispose]());

  test("at any moment of a start: nothing is alive a second later, and nothing stays", async () => {
    let ran = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = desk.start(["run", "sh", "-c", "echo ran; sleep 30"]);
      onTestFinished(() => void started.child.kill("SIGKILL"));
      const cellhost = await waitForCellhost(started);
      await pause((round * 40) / ROUNDS);
      process.kill(cellhost, "SIGKILL");
      const [{ code, stdout }] = await Promise.all([
        started.ended,
        until(() => ofCells(desk).length === 0, 1000),
      ]);
      ran += stdout === "ran\n" ? 1 : 0;
      expect([125, 137]).toContain(code);
    }
    // Some were early enough.
    expect(ran).toBeLessThan(ROUNDS);
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
    expect((await desk.run(["echo", "here"])).stdout).toBe("here\n");
  }, 120_000);

  test.skipIf(lacking("strace").length > 0)(
    "while bwrap's child waits for bwrap and is not tied to it",
    async () => {
      const slow = `#!/bin/sh\nexec strace -D -f -qq -o /dev/null -e trace=clone -e inject=clone:delay_exit=3000000:when=1 /usr/bin/bwrap "$@"\n`;
      desk.folder("slow");
      const PATH = `${path.dirname(desk.file("slow/bwrap", slow, 0o755))}:${process.env["PATH"]}`;
      const started = desk.start(["run", "true"], { env: { PATH } });
      onTestFinished(() => void started.child.kill("SIGKILL"));
      const cellhost = await waitForCellhost(started);
      // Not strace, which has them too, later.
      const words = /^\/usr\/bin\/bwrap\0--unshare-user\0/;
      const inner = () => childOf(childOf(cellhost, words) ?? 0, words);
      await until(() => inner() !== undefined, 10_000);
      const child = inner();
      expect(ofCells(desk)).toContain(child);
      // The control: as long as Workcell cannot look, it stays.
      started.child.kill("SIGSTOP");
      process.kill(cellhost, "SIGKILL");
      await pause(400);
      expect(ofCells(desk)).toContain(child);
      started.child.kill("SIGCONT");
      await until(() => ofCells(desk).length === 0, 1000);
      expect(await started.ended).toMatchObject({ code: 125, stdout: "" });
      expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
    },
  );
});
