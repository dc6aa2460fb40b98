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

interface RunningCell {
  /** Everything that descends from the second Workcell. */
  readonly processes: readonly HostProcess[];
  readonly session: string;
}

/** Waits until the cell's command runs. */
async function untilRunning(parent: number, seconds: string, isOver: () => boolean): Promise<RunningCell> {
  for (const deadline = performance.now() + START_MS; performance.now() < deadline; await wait(10)) {
    if (isOver()) throw new Error("the second Workcell ended before its cell ran");
    const tree = processTree(parent);
    const command = tree.find(({ pid }) => {
      const words = commandLine(pid);
      return words.length === 2 && words[1] === seconds;
    });
    if (command !== undefined) {
      const processes = tree.filter(({ pid }) => pid !== parent);
      return { processes, session: path.basename(homeOf(command.pid)) };
    }
  }
  throw new Error(`the second Workcell's cell did not run within ${START_MS} ms`);
}

function homeOf(pid: number): string {
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  const home = variables.find((one) => one.startsWith("HOME="))?.slice("HOME=".length);
  if (home === undefined) throw new Error("the second Workcell's command has no home");
  return home;
}

/** Mounts of a session in the host's own namespace; others may come and go meanwhile. */
function countMounts(session: string): number {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.includes(`/sessions/${session}/`)).length;
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
    const { processes, session } = await untilRunning(parent.pid ?? 0, seconds, () => over);
    cell = processes;
    const killedAt = performance.now();
    parent.kill("SIGKILL");
    const { alive, afterMs } = await watch(cell, killedAt);
    const mountsLeft = countMounts(session);
    return { processesBefore: cell.length, processesAfter: alive, mountsLeft, afterMs };
  } finally {
    endAll([...cell, ...(over ? [] : processTree(parent.pid ?? 0))]);
  }
}
