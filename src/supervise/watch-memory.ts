import { monotonicMs } from "../lib/monotonic.ts";
import {
  exactBytes,
  pageBytes,
  readHostMemory,
  residentBytes,
  swappedBytes,
  tmpfsBytes,
  tmpfsOf,
} from "./cell-memory.ts";
import { processesOf } from "./cell-processes.ts";
import { segmentBytes } from "./shared-segments.ts";

export interface MemoryWatch {
  /** PID 1 of the cell as the host numbers it. */
  readonly rootPid: number;
  readonly limitBytes: number;
  /** True: the host swaps, and what is in swap counts too. */
  readonly countSwap?: boolean;
  /** Called once; the caller ends the cell. */
  onExceeded(usedBytes: number): void;
  /** Called once when the cell cannot be looked at: the limit does not hold any more, and the caller ends the cell. */
  onLost(cause: unknown): void;
}

const NEAR_MS = 10;
const FAR_MS = 200;
/** As fast as memory can be filled: what is free cannot be gone before the next look. */
const FASTEST_BYTES_PER_MS = 4 * 1024 ** 2;
/** Looking may take this part of one CPU. */
const LARGEST_SHARE = 0.25;
/** Shared memory of the host that nothing explains, before the segments are asked for. */
const UNEXPLAINED_BYTES = 8 * 1024 ** 2;
/** Below this part of the host's memory, growth that nothing explains counts as the cell's. */
const HOST_IN_DANGER = 0.05;

interface Look {
  readonly usedBytes: number;
  readonly exact: boolean;
}

/** Looks first in the cheap way, which counts too much, and only when that is above the limit in the slow one. */
function createLook({ rootPid, limitBytes, countSwap = false }: MemoryWatch) {
  const page = pageBytes();
  const places = tmpfsOf(rootPid);
  const [before, tmpfsBefore] = [readHostMemory(), tmpfsBytes(places)];
  return async (): Promise<Look | undefined> => {
    const folders = processesOf(rootPid);
    if (folders === undefined) return undefined;
    const host = readHostMemory();
    const inTmpfs = tmpfsBytes(places);
    const growthBytes = Math.max(0, host.sharedBytes - before.sharedBytes + tmpfsBefore);
    const cheap =
      residentBytes(folders, page) + (countSwap ? swappedBytes(folders) : 0) + Math.max(inTmpfs, growthBytes);
    if (cheap <= limitBytes) return { usedBytes: cheap, exact: false };
    const unexplained = growthBytes - inTmpfs;
    const segments = unexplained > UNEXPLAINED_BYTES ? await segmentBytes(rootPid) : 0;
    const shared = { tmpfsBytes: inTmpfs, growthBytes, segmentBytes: segments };
    const usedBytes = exactBytes(rootPid, shared);
    if (usedBytes === undefined) return undefined;
    const inDanger = host.availableBytes < host.totalBytes * HOST_IN_DANGER;
    const hidden = inDanger && unexplained - segments > limitBytes ? unexplained : 0;
    return { usedBytes: Math.max(usedBytes, hidden), exact: true };
  };
}

function waitMs(look: Look, limitBytes: number, tookMs: number): number {
  const free = Math.max(0, limitBytes - look.usedBytes);
  const untilFull = Math.floor(free / FASTEST_BYTES_PER_MS);
  return Math.max(Math.min(Math.max(untilFull, NEAR_MS), FAR_MS), tookMs / LARGEST_SHARE);
}

/**
 * Watches a cell's memory where no control group holds it: processes, tmpfs, memfds and shared segments together. It
 * looks every 10 ms near the limit, and less often far from it. Stops by itself when the cell has ended.
 */
export function watchMemory(watch: MemoryWatch): { stop(): void } {
  const look = createLook(watch);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const next = (ms: number) => {
    if (!stopped) timer = setTimeout(() => void tick().catch(lost), ms);
  };
  const lost = (cause: unknown) => {
    if (!stopped) watch.onLost(cause);
  };
  const tick = async () => {
    const startedAt = monotonicMs();
    const seen = await look();
    if (stopped || seen === undefined) return;
    if (seen.exact && seen.usedBytes > watch.limitBytes) watch.onExceeded(seen.usedBytes);
    else next(waitMs(seen, watch.limitBytes, monotonicMs() - startedAt));
  };
  next(0);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
