import { readFileSync, statfsSync } from "node:fs";
import type { PlannedLimits } from "../model/index.ts";
import type { Exhaustion, UsedUp } from "../report/index.ts";
import type { Fill } from "./inside/task.ts";
import { seen } from "./look.ts";
import { type ObserveRequest, startObserver } from "./run-observer.ts";

const TIME_MS = 20_000;
const MIB = 1024 ** 2;
const GB = 1000 ** 3;

type Range = Omit<Fill, "heldMs">;

/** What the reference has, and a little more: whether that much can be had is what is tried. */
const wholeMemory: Range = {
  ...{ what: "memory", stepsBytes: [16 * MIB] },
  mostBytes: Math.floor(2.94 * 1024 * MIB),
};
const wholeDisk: Range = { what: "allocation", stepsBytes: [GB, GB / 10], mostBytes: 10.5 * GB };

/** The longest that a watch that costs little may take to look, on a busy machine. */
const LOOK_MS = 10_000;

/** File systems on which reserved blocks are only reserved, and counted as used. */
const reserving = ["ext4", "xfs", "btrfs"];

interface SmallTrial {
  readonly flag: "memory" | "disk";
  readonly limitBytes: number;
  readonly fill: Range;
}

const smallMemory: SmallTrial = {
  ...{ flag: "memory", limitBytes: 192 * MIB },
  fill: { what: "memory", stepsBytes: [4 * MIB], mostBytes: 288 * MIB },
};
const smallDisk: SmallTrial = {
  ...{ flag: "disk", limitBytes: 32 * MIB },
  fill: { what: "disk", stepsBytes: [MIB], mostBytes: 64 * MIB },
};

/** Has a cell of its own fill something to its end. */
async function exhaust(request: ObserveRequest, fill: Fill): Promise<Exhaustion> {
  const observer = await startObserver({
    request,
    allowHosts: [],
    task: { kind: "fill", ...fill },
    signal: AbortSignal.timeout(TIME_MS),
  });
  try {
    const last = (await observer.askToTheEnd()) as Omit<Exhaustion, "ended">;
    const outcome = await observer.cell.outcome;
    return { ...last, ended: outcome.status, ...("limit" in outcome && { limit: outcome.limit }) };
  } finally {
    await observer.end();
  }
}

async function exhaustSmall(request: ObserveRequest, { flag, limitBytes, fill }: SmallTrial) {
  const flags = { ...request.flags, [flag]: `${limitBytes}` };
  return { ...(await exhaust({ ...request, flags }, { ...fill, heldMs: LOOK_MS })), limitBytes };
}

/** A field of /proc/meminfo in bytes. */
function meminfo(name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/meminfo", "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}

const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/** Why the host cannot spare what the whole memory would take; undefined when it can. */
function memoryProblem(): string | undefined {
  const spare = meminfo("MemAvailable");
  // A host that is brought to its last page would end programs of the person's.
  const needed = wholeMemory.mostBytes + 512 * MIB;
  return spare < needed ? `the host has only ${gib(spare)} of memory to spare` : undefined;
}

interface DiskPlace {
  /** Folder on the host that sessions lie in. */
  readonly folder: string;
  /** File system of the home, as the cell sees it. */
  readonly type: string;
}

function diskProblem({ folder, type }: DiskPlace, limits: PlannedLimits): string | undefined {
  // A disk of its own is a sparse file, and takes from the host what is written alone.
  if (limits.held.disk === "loop") return undefined;
  if (!reserving.includes(type))
    return `on ${type || "this file system"} it would have to be written in full`;
  const { bavail, bsize } = statfsSync(folder);
  const spare = bavail * bsize;
  return spare < 2 * wholeDisk.mostBytes ? `the host has only ${gib(spare)} of disk to spare` : undefined;
}

interface Tried {
  readonly small: SmallTrial;
  readonly whole: Range;
  /** The profile's own limit: nobody waits for one that was not reached. */
  readonly saidBytes: number;
  /** Why the whole cannot be tried here. */
  readonly problem: string | undefined;
}

/** One cell after the other: what the one gives back would hide from a watch what the other takes. */
async function useUp(request: ObserveRequest, { small, whole, saidBytes, problem }: Tried) {
  // A session of the person's choice is not filled up.
  const { session: _, ...flags } = request.flags;
  const fresh = { ...request, flags };
  const filled = { ...whole, heldMs: saidBytes < whole.mostBytes ? LOOK_MS : 0 };
  return {
    saidBytes,
    hostSwapBytes: meminfo("SwapTotal"),
    small: await exhaustSmall(fresh, small),
    whole: problem === undefined ? await seen(() => exhaust(fresh, filled)) : { unseen: problem },
  };
}

/** Uses memory up in a cell with a small limit, and in one with the profile's own. */
export async function useUpMemory(request: ObserveRequest, limits: PlannedLimits): Promise<UsedUp> {
  const tried = { small: smallMemory, whole: wholeMemory, saidBytes: limits.memoryBytes };
  return { held: limits.held.memory, ...(await useUp(request, { ...tried, problem: memoryProblem() })) };
}

/** The same with the session's disk. */
export async function useUpDisk(
  request: ObserveRequest,
  limits: PlannedLimits,
  place: DiskPlace,
): Promise<UsedUp> {
  const tried = { small: smallDisk, whole: wholeDisk, saidBytes: limits.diskBytes };
  const problem = diskProblem(place, limits);
  return { held: limits.held.disk, ...(await useUp(request, { ...tried, problem })) };
}
