import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ParentDeath } from "../report/index.ts";
import type { SettingsFlags } from "../settings/index.ts";
import { commandLine, type HostProcess, isAlive, processTree } from "./host-processes.ts";
import type { ObserveRequest } from "./run-observer.ts";

const START_MS = 15_000;
const GRACE_MS = 1000;

function flagWords({ profile, tunnel, tier, settings }: SettingsFlags): string[] {
  const given = Object.entries({ profile, tunnel, tier, settings });
  return given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}

/** Waits until the cell's command runs, and returns everything that descends from its Workcell. */
async function untilRunning(parent: number, seconds: string, isOver: () => boolean): Promise<HostProcess[]> {
  for (const deadline = performance.now() + START_MS; performance.now() < deadline; await wait(10)) {
    if (isOver()) throw new Error("the second Workcell ended before its cell ran");
    const tree = processTree(parent);
    const running = tree.some(({ pid }) => {
      const words = commandLine(pid);
      return words.length === 2 && words[1] === seconds;
    });
    if (running) return tree.filter(({ pid }) => pid !== parent);
  }
  throw new Error(`the second Workcell's cell did not run within ${START_MS} ms`);
}

/** Mounts of Workcell's in the host's own namespace; others may come and go meanwhile. */
function readMounts(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.includes("workcell"));
}

async function watch(
  cell: readonly HostProcess[],
  killedAt: number,
): Promise<{ alive: number; afterMs: number }> {
  for (;;) {
    const afterMs = performance.now() - killedAt;
    const alive = cell.filter(isAlive).length;
    if (alive === 0 || afterMs > GRACE_MS) return { alive, afterMs };
    await wait(5);
  }
}

/** What did outlive its parent is not left to the person. */
function endAll(processes: readonly HostProcess[]): void {
  for (const one of processes.filter(isAlive)) {
    try {
      process.kill(one.pid, "SIGKILL");
    } catch {
      // ESRCH: it has just ended.
    }
  }
}

/** Kills a second Workcell while its cell runs, and watches what becomes of the cell. */
export async function observeParentDeath(request: ObserveRequest): Promise<ParentDeath> {
  const mountsBefore = new Set(readMounts());
  const seconds = `600.${randomInt(1_000_000, 9_999_999)}`;
  const main = path.join(request.installation, "workcell.js");
  const args = [main, "run", ...flagWords(request.flags), "--", "sleep", seconds];
  const parent = spawn(process.execPath, args, { cwd: request.cwd, env: request.env, stdio: "ignore" });
  const exited = once(parent, "exit");
  let over = false;
  exited.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  let cell: readonly HostProcess[] = [];
  try {
    cell = await untilRunning(parent.pid ?? 0, seconds, () => over);
    const killedAt = performance.now();
    parent.kill("SIGKILL");
    const { alive, afterMs } = await watch(cell, killedAt);
    const mountsLeft = readMounts().filter((line) => !mountsBefore.has(line)).length;
    return { processesBefore: cell.length, processesAfter: alive, mountsLeft, afterMs };
  } finally {
    endAll([...cell, ...(over ? [] : processTree(parent.pid ?? 0))]);
  }
}
