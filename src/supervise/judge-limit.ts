import type { Usage } from "../launch/index.ts";
import type { Denial, Ending, LimitName, LimitReached, PlannedLimits } from "../model/index.ts";
import type { DiskSpace } from "./disk-usage.ts";

/** What was found of a cell's limits when it had ended. */
export interface LimitFindings {
  readonly limits: PlannedLimits;
  /** The limit that Workcell itself ended the cell for. */
  readonly reached?: LimitReached;
  /** What the cell's control groups have counted. */
  readonly usage?: Usage;
  /** The session's own disk, when it has one. */
  readonly disk?: DiskSpace;
}

const statusOf = { memory: "out-of-memory", disk: "disk-full", output: "output-limit" } as const;

const flagOf: Readonly<Record<LimitName, string>> = {
  memory: "--memory",
  disk: "--disk",
  output: "--output",
};

/** Names a limit that was reached, with the flag that raises it. */
export function reachedLimit(name: LimitName, limitBytes: number, usedBytes: number): LimitReached {
  return { name, limitBytes, usedBytes, flag: flagOf[name] };
}

/** A disk on which not even a small file fits any more. */
const FULL_BYTES = 1024 ** 2;

function isFull(disk: DiskSpace | undefined): boolean {
  return disk !== undefined && (disk.freeBytes < FULL_BYTES || disk.freeFiles === 0);
}

/** The limit that explains an end that the command did not want. */
function explain({ limits, reached, usage, disk }: LimitFindings): LimitReached | undefined {
  if (reached !== undefined) return reached;
  if (usage !== undefined && usage.oomKills > 0)
    return reachedLimit("memory", limits.memoryBytes, usage.memoryPeakBytes ?? limits.memoryBytes);
  if (disk !== undefined && isFull(disk)) return reachedLimit("disk", limits.diskBytes, disk.usedBytes);
  return undefined;
}

/**
 * Tells whether a limit ended the command. One that ended well, never started, or was ended for its time or by the
 * person, ended so, whatever it had used. PURE.
 */
export function judgeLimit(ending: Ending, findings: LimitFindings | undefined): Ending {
  const endedOtherwise = ["never-started", "timed-out", "cancelled"].includes(ending.status);
  const endedWell = ending.status === "exited" && ending.exitCode === 0;
  if (findings === undefined || endedOtherwise) return ending;
  const limit = endedWell ? findings.reached : explain(findings);
  return limit === undefined ? ending : { status: statusOf[limit.name], exitCode: 137, signal: null, limit };
}

/** The processes and threads that a cell was refused, as one denial; undefined when it was refused none. PURE. */
export function denialOfPids({ limits, usage }: LimitFindings): Denial | undefined {
  if (usage === undefined || usage.pidsDenied === 0) return undefined;
  const times = usage.pidsDenied === 1 ? "once" : `${usage.pidsDenied} times`;
  return {
    layer: "limits",
    rule: `pids ${limits.pids}`,
    origin: "control group",
    what: `start one more process or thread, ${times}`,
    remedy: `Allow more: workcell run --pids ${limits.pids * 2} ...`,
  };
}
