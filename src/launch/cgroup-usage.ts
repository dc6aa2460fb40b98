import { readFileSync } from "node:fs";
import path from "node:path";
import type { CgroupFacts, PlannedLimits } from "../model/index.ts";

/** What a cell's groups have counted. Null: nothing counts it. */
export interface Usage {
  readonly memoryPeakBytes: number | null;
  /** Processes that the kernel ended at the memory limit. */
  readonly oomKills: number;
  readonly cpuMs: number | null;
  /** Times that a process or thread was refused at the limit. */
  readonly pidsDenied: number;
}

/** A file of a group; empty when the kernel does not have it, or the group has gone. */
function readGroupFile(folder: string | undefined, file: string): string {
  if (folder === undefined) return "";
  try {
    return readFileSync(path.join(folder, file), "utf8");
  } catch {
    return "";
  }
}

function numberIn(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

/** The value of `key 12` among lines of such. */
function countOf(text: string, key: string): number | null {
  const [, digits] = new RegExp(`^${key} (\\d+)$`, "m").exec(text) ?? [];
  return digits === undefined ? null : Number(digits);
}

function readCpuMs(version: 1 | 2 | undefined, folder: string | undefined): number | null {
  const usage =
    version === 2
      ? countOf(readGroupFile(folder, "cpu.stat"), "usage_usec")
      : numberIn(readGroupFile(folder, "cpuacct.usage"));
  return usage === null ? null : Math.round(usage / (version === 2 ? 1000 : 1e6));
}

/** Reads what the groups have counted. `placeOf` says which folder a parent's group is. */
export function readUsage(
  cgroups: CgroupFacts,
  held: PlannedLimits["held"],
  placeOf: (parent: string) => string | undefined,
): Usage {
  const { memory, pids, cpu, cpuacct } = cgroups;
  const inMemory = held.memory === "cgroup" && memory !== undefined ? placeOf(memory.folder) : undefined;
  const peak = memory?.version === 2 ? "memory.peak" : "memory.max_usage_in_bytes";
  const events = memory?.version === 2 ? "memory.events" : "memory.oom_control";
  const inPids = pids === undefined ? undefined : placeOf(pids.folder);
  const counting = cpuacct ?? cpu ?? memory;
  return {
    memoryPeakBytes: numberIn(readGroupFile(inMemory, peak)),
    oomKills: countOf(readGroupFile(inMemory, events), "oom_kill") ?? 0,
    cpuMs: readCpuMs(counting?.version, counting && placeOf(counting.folder)),
    pidsDenied: countOf(readGroupFile(inPids, "pids.events"), "max") ?? 0,
  };
}
