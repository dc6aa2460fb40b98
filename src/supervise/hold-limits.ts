import type { CellGroup } from "../launch/index.ts";
import type { LimitName, LimitReached, PlannedLimits } from "../model/index.ts";
import { type LimitFindings, reachedLimit } from "./judge-limit.ts";

export interface HoldInput {
  readonly limits: PlannedLimits;
  /** PID 1 of the cell as the host numbers it. */
  readonly rootPid: number;
  /** True: the host has swap, which then counts as memory. */
  readonly countSwap: boolean;
  readonly group?: CellGroup;
  readonly disk: {
    /** The session's folders that count together. */
    readonly folders: readonly string[];
    /** Folders that count with them, and never lie on a disk of the session's own. */
    readonly layers?: readonly string[];
    /** What lies in them at the start, when that is known: 0 for a fresh session. */
    readonly startBytes?: number;
    /** True: they lie on a disk of the session's own. */
    readonly loop: boolean;
  };
  /** Called once, for the first limit that is reached; the caller kills the cell. */
  onReached(limit: LimitReached): void;
  /** Called when a limit cannot be watched any more; the caller kills the cell and says so. */
  onLost(name: LimitName, cause: unknown): void;
}

export interface HeldLimits {
  /** Says that a limit was reached which somebody else counts: the output's. */
  reach(limit: LimitReached): void;
  /** Stops watching, looks a last time and says what was found; the cell has ended. */
  finish(): Promise<LimitFindings>;
}

interface Stoppable {
  stop(): void;
  lastLook?(): Promise<void>;
}

type Reach = HeldLimits["reach"];
type Unheld = Omit<HoldInput, "rootPid">;

async function memoryWatch(input: Unheld): Promise<(rootPid: number, reach: Reach) => Stoppable | undefined> {
  const { limits, group, countSwap } = input;
  const limitBytes = limits.memoryBytes;
  if (limits.held.memory === "cgroup" && group !== undefined) {
    const { watchKills } = await import("./watch-kills.ts");
    return (_, reach) =>
      watchKills({
        countKills: () => group.read().oomKills,
        onKilled: () => reach(reachedLimit("memory", limitBytes, group.read().memoryPeakBytes ?? limitBytes)),
      });
  }
  if (limits.held.memory !== "watched") return () => undefined;
  const { watchMemory } = await import("./watch-memory.ts");
  return (rootPid, reach) =>
    watchMemory({
      ...{ rootPid, limitBytes, countSwap },
      onExceeded: (usedBytes) => reach(reachedLimit("memory", limitBytes, usedBytes)),
      onLost: (cause) => input.onLost("memory", cause),
    });
}

function watchedFolders({ limits, disk }: Unheld): readonly string[] {
  const { held } = limits;
  if (held.disk === "waived") return [];
  return [...(held.disk === "watched" ? disk.folders : []), ...(disk.layers ?? [])];
}

/** Loads what tells whether the cell can be watched, where something of it is to be. */
async function sight(input: Unheld): Promise<(rootPid: number) => void> {
  const watched: readonly LimitName[] = [
    ...(input.limits.held.memory === "watched" ? (["memory"] as const) : []),
    ...(watchedFolders(input).length > 0 ? (["disk"] as const) : []),
  ];
  if (watched.length === 0) return () => {};
  const { requireSight } = await import("./cell-processes.ts");
  return (rootPid) => requireSight(rootPid, watched);
}

async function diskWatch(input: Unheld): Promise<(rootPid: number, reach: Reach) => Stoppable | undefined> {
  const { limits, disk } = input;
  const watched = watchedFolders(input);
  if (watched.length === 0) return () => undefined;
  const { watchDisk } = await import("./watch-disk.ts");
  return (rootPid, reach) =>
    watchDisk({
      ...{ rootPid, limitBytes: limits.diskBytes, folders: watched },
      ...(disk.startBytes === undefined ? {} : { startBytes: disk.startBytes }),
      onExceeded: (usedBytes) => reach(reachedLimit("disk", limits.diskBytes, usedBytes)),
      onLost: (cause) => input.onLost("disk", cause),
    });
}

/**
 * Loads what holds such limits, while the cell is being built; what it resolves to holds them for PID 1 of the cell, and throws
 * WC_HOST where that may not be looked into.
 */
export async function readyLimits(input: Unheld): Promise<(rootPid: number) => HeldLimits> {
  const starts = await Promise.all([memoryWatch(input), diskWatch(input)]);
  const look = await sight(input);
  const diskSpace = input.disk.loop ? (await import("./disk-usage.ts")).readDiskSpace : undefined;
  return (rootPid) => {
    look(rootPid);
    let reached: LimitReached | undefined;
    const reach = (limit: LimitReached) => {
      if (reached !== undefined) return;
      reached = limit;
      input.onReached(limit);
    };
    const watches = starts.map((start) => start(rootPid, reach));
    return {
      reach,
      finish: async () => {
        for (const watch of watches) watch?.stop();
        if (reached === undefined) for (const watch of watches) await watch?.lastLook?.();
        const [place = "/"] = input.disk.folders;
        return {
          limits: input.limits,
          ...(reached && { reached }),
          ...(input.group && { usage: input.group.read() }),
          ...(diskSpace && { disk: diskSpace(place) }),
        };
      },
    };
  };
}

/** Holds what the kernel does not hold by itself, from before the command starts until the cell has ended. */
export const holdLimits = async ({ rootPid, ...input }: HoldInput): Promise<HeldLimits> =>
  (await readyLimits(input))(rootPid);
