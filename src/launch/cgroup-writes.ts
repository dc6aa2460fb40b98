import type { CgroupFacts, CgroupParent, PlannedLimits } from "../model/index.ts";

/** One file of a group, what is written to it, and which limit that holds. */
export interface CgroupWrite {
  readonly file: string;
  readonly text: string;
}

/** A group of a cell: where it is made, and what is written into it, in order. */
export interface PlannedGroup {
  readonly parent: CgroupParent;
  readonly writes: readonly CgroupWrite[];
}

const PERIOD_US = 100_000;
/** Below a millisecond the kernel refuses. */
const LEAST_QUOTA_US = 1000;

const quotaUs = (cpus: number) => Math.max(LEAST_QUOTA_US, Math.round(cpus * PERIOD_US));

function memoryWrites(version: 1 | 2, limits: PlannedLimits, swap: boolean): readonly CgroupWrite[] {
  const bytes = String(limits.memoryBytes);
  if (version === 2)
    return [
      { file: "memory.max", text: bytes },
      ...(swap ? [{ file: "memory.swap.max", text: "0" }] : []),
      // A cell that has lost one process to the limit is of no use: all of it ends, and the outcome says why.
      { file: "memory.oom.group", text: "1" },
    ];
  return [
    { file: "memory.limit_in_bytes", text: bytes },
    // Memory and swap together may not be below memory alone: hence after it.
    ...(swap ? [{ file: "memory.memsw.limit_in_bytes", text: bytes }] : []),
    { file: "memory.swappiness", text: "0" },
  ];
}

function cpuWrites(version: 1 | 2, cpus: number): readonly CgroupWrite[] {
  const quota = String(quotaUs(cpus));
  return version === 2
    ? [{ file: "cpu.max", text: `${quota} ${PERIOD_US}` }]
    : [
        { file: "cpu.cfs_period_us", text: String(PERIOD_US) },
        { file: "cpu.cfs_quota_us", text: quota },
      ];
}

/** The groups of a cell, one a folder: controllers of one hierarchy share one. PURE. */
export function planGroups(limits: PlannedLimits, cgroups: CgroupFacts): readonly PlannedGroup[] {
  const { memory, pids, cpu, cpuacct } = cgroups;
  const { held } = limits;
  const byFolder = new Map<string, PlannedGroup>();
  const add = (parent: CgroupParent | undefined, writes: readonly CgroupWrite[]) => {
    if (parent === undefined) return;
    const before = byFolder.get(parent.folder)?.writes ?? [];
    byFolder.set(parent.folder, { parent, writes: [...before, ...writes] });
  };
  if (held.memory === "cgroup" && memory !== undefined)
    add(memory, memoryWrites(memory.version, limits, cgroups.swap && held.swap !== "waived"));
  if (held.pids === "cgroup") add(pids, [{ file: "pids.max", text: String(limits.pids) }]);
  if (held.cpus === "cgroup" && cpu !== undefined) add(cpu, cpuWrites(cpu.version, limits.cpus));
  add(cpuacct, []);
  return [...byFolder.values()];
}
