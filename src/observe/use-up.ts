import { readFileSync, statfsSync } from "node:fs";
import type { PlannedLimits } from "../model/index.ts";
import type { Exhaustion, Seen, UsedUp } from "../report/index.ts";
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
const wholeDisk: Range = { what: "allocation", stepsBytes: [GB, GB / 10], mostBytes: 12 * GB };

/** The longest that a watch that costs little may take to look, on a busy machine. */
const LOOK_MS = 4000;
/** What the kernel ends, it ends at once. */
const KILL_MS = 500;
/** What others free on a file system meanwhile hides from a watch what the cell takes. */
const ATTEMPTS = 3;

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
    const last = (await observer.askToTheEnd()) as Omit<Exhaustion, "held" | "ended" | "attempts">;
    const outcome = await observer.cell.outcome;
    if (fill.what === "allocation" && !["", "ENOSPC"].includes(last.error))
      throw new Error(`blocks cannot be reserved in the cell: ${last.error}`);
    return {
      ...last,
      held: observer.cell.plan.limits.held[fill.what === "memory" ? "memory" : "disk"],
      attempts: 1,
      ended: outcome.status,
      ...("limit" in outcome && { limit: outcome.limit }),
    };
  } finally {
    await observer.end();
  }
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

function diskProblem({ folder, type }: DiskPlace): string | undefined {
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
  readonly isWatched: boolean;
  /** Why the whole cannot be tried here. */
  readonly problem: string | undefined;
}

/** Tries again what a watch did not end: a limit that does not hold never ends anything. */
async function untilEnded(exhaustOnce: () => Promise<Exhaustion>): Promise<Exhaustion> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await exhaustOnce();
    const passedBy = found.held === "watched" && found.ended === "exited" && found.error === "";
    if (!passedBy || attempt === ATTEMPTS) return { ...found, attempts: attempt };
  }
}

/** The two cells in which a limit is tried, ready to be started. */
function trials(request: ObserveRequest, { small, whole, saidBytes, isWatched, problem }: Tried) {
  // A session of the person's choice is not filled up.
  const { session: _, ...flags } = request.flags;
  const fresh = { ...request, flags };
  const inReach = saidBytes < whole.mostBytes;
  const heldMs = isWatched ? LOOK_MS : KILL_MS;
  const wholeOnce = () => exhaust(fresh, { ...whole, heldMs: inReach ? heldMs : 0 });
  const { flag, limitBytes } = small;
  const limited = { ...fresh, flags: { ...flags, [flag]: `${limitBytes}` } };
  const smallOnce = () => exhaust(limited, { ...small.fill, heldMs });
  return {
    trySmall: async () => ({ ...(await untilEnded(smallOnce)), limitBytes }),
    tryWhole: async (): Promise<Seen<Exhaustion>> =>
      problem === undefined
        ? seen(() => (inReach ? untilEnded(wholeOnce) : wholeOnce()))
        : { unseen: problem },
  };
}

/** Uses memory up in a cell with a small limit, and in one with the profile's own. */
export async function useUpMemory(request: ObserveRequest, limits: PlannedLimits): Promise<UsedUp> {
  const saidBytes = limits.memoryBytes;
  const { trySmall, tryWhole } = trials(request, {
    ...{ small: smallMemory, whole: wholeMemory, saidBytes, problem: memoryProblem() },
    isWatched: limits.held.memory === "watched",
  });
  const [small, whole] = await Promise.all([trySmall(), tryWhole()]);
  return { saidBytes, small, whole, hostSwapBytes: meminfo("SwapTotal") };
}

/** The same with the session's disk. */
export async function useUpDisk(
  request: ObserveRequest,
  limits: PlannedLimits,
  place: DiskPlace,
): Promise<UsedUp> {
  const saidBytes = limits.diskBytes;
  const { trySmall, tryWhole } = trials(request, {
    ...{ small: smallDisk, whole: wholeDisk, saidBytes, problem: diskProblem(place) },
    isWatched: limits.held.disk !== "waived",
  });
  // One after the other: blocks that the one gives back would hide from a watch what the other takes.
  const small = await trySmall();
  const whole = await tryWhole();
  return { saidBytes, small, whole, hostSwapBytes: meminfo("SwapTotal") };
}
