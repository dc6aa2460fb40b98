import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { CgroupFacts, PlannedLimits } from "../model/index.ts";
import { readUsage, type Usage } from "./cgroup-usage.ts";
import { type PlannedGroup, planGroups } from "./cgroup-writes.ts";
import { startTime } from "./processes.ts";

/** The control groups of one cell. */
export interface CellGroup {
  /** Files that the cell's first process writes itself into, before it drops its user. */
  readonly joinFiles: readonly string[];
  /** What has been counted so far; reads only. */
  read(): Usage;
  /** Takes the groups away once the cell is empty; what stays busy is left to the next sweep. */
  remove(): Promise<void>;
}

/** The name says whose the group is, so that a sweep knows when nobody's. */
function groupName(cell: string): string {
  return `workcell-${cell}-${process.pid}-${startTime(process.pid) ?? 0}`;
}

const namePattern = /^workcell-[a-z0-9]+-(\d+)-(\d+)$/;

function cannotHold(file: string, text: string, cause: unknown): WorkcellError {
  return new WorkcellError("WC_HOST", {
    message: `Cannot write "${text}" to "${file}": ${codeOf(cause) ?? String(cause)}; a limit of the cell would not hold`,
    remedy: "Run workcell doctor to see what this machine can hold, or do without the limit: --waive NAME",
    cause,
  });
}

function makeGroup({ parent, writes }: PlannedGroup, name: string): string {
  const folder = path.join(parent.folder, name);
  try {
    mkdirSync(folder);
  } catch (cause) {
    throw cannotHold(parent.folder, name, cause);
  }
  for (const { file, text } of writes) {
    try {
      writeFileSync(path.join(folder, file), text);
    } catch (cause) {
      removeEmpty(folder);
      throw cannotHold(path.join(folder, file), text, cause);
    }
  }
  return folder;
}

/** True when the group is gone: EBUSY is a process that is still in it. */
function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT";
  }
}

/** A group is busy for a moment after its last process has ended. */
async function removeGroups(folders: readonly string[]): Promise<void> {
  let left = folders;
  for (let waitMs = 0; waitMs < 20; waitMs += 1) {
    left = left.filter((folder) => !removeEmpty(folder));
    if (left.length === 0) return;
    await sleep(waitMs);
  }
}

/**
 * Makes the control groups that hold a cell's limits, with the limits in them; undefined when none are held so. Throws
 * WC_HOST when a limit that was planned cannot be set: no command starts then.
 */
export function makeCellGroup(
  cell: string,
  limits: PlannedLimits,
  cgroups: CgroupFacts,
): CellGroup | undefined {
  const planned = planGroups(limits, cgroups);
  if (planned.length === 0) return undefined;
  const name = groupName(cell);
  const made = new Map<string, string>();
  try {
    for (const group of planned) made.set(group.parent.folder, makeGroup(group, name));
  } catch (error) {
    for (const folder of made.values()) removeEmpty(folder);
    throw error;
  }
  const folders = [...made.values()];
  return {
    joinFiles: planned.map(({ parent }) =>
      path.join(made.get(parent.folder) ?? "", joinFile(parent.version)),
    ),
    read: () => readUsage(cgroups, limits.held, (parent) => made.get(parent)),
    remove: () => removeGroups(folders),
  };
}

const parentsIn = ({ memory, pids, cpu, cpuacct }: CgroupFacts) =>
  [...new Set([memory, pids, cpu, cpuacct].map((parent) => parent?.folder))].filter(
    (folder) => folder !== undefined,
  );

/**
 * In version 1 a thread that moves itself alone by `tasks` takes no lock (Linux 5.5), and that process has one thread;
 * by `cgroup.procs` the kernel first waits 5 to 25 ms until every CPU has been idle or switched once.
 */
const joinFile = (version: 1 | 2) => (version === 1 ? "tasks" : "cgroup.procs");

/** Groups of Workcells that were killed. */
export function findDeadGroups(cgroups: CgroupFacts): readonly string[] {
  // Many cells of one Workcell may live: it is asked for once.
  const starts = new Map<string, string | undefined>();
  const startOf = (pid: string) => {
    if (!starts.has(pid)) starts.set(pid, startTime(Number(pid)));
    return starts.get(pid);
  };
  return parentsIn(cgroups).flatMap((parent) => {
    const dead = groupNames(parent).filter((name) => {
      const [, pid, started] = namePattern.exec(name) ?? [];
      return pid !== undefined && startOf(pid) !== started;
    });
    return dead.map((name) => path.join(parent, name));
  });
}

function groupNames(parent: string): readonly string[] {
  try {
    return readdirSync(parent);
  } catch {
    return []; // The parent has been taken away, and what was in it too.
  }
}

/** Takes away those groups that are empty. One with a process in it stays. */
export function removeDeadGroups(folders: readonly string[]): void {
  for (const folder of folders) removeEmpty(folder);
}
