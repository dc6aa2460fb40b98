import { monotonicMs } from "../lib/monotonic.ts";
import { measureDisk, readDiskSpace } from "./disk-usage.ts";

export interface DiskWatch {
  /** The session's folders that count together, all on one file system. */
  readonly folders: readonly string[];
  readonly limitBytes: number;
  /** What lies in them at the start, when that is known: 0 for a fresh session. */
  readonly startBytes?: number;
  /** PID 1 of the cell as the host numbers it. */
  readonly rootPid: number;
  /** Called once; the caller ends the cell. */
  onExceeded(usedBytes: number): void;
  /** Called once when the folders cannot be measured: the limit does not hold any more, and the caller ends the cell. */
  onLost(cause: unknown): void;
}

const NEAR_MS = 50;
const FAR_MS = 1000;
/** As fast as a disk can be filled. */
const FASTEST_BYTES_PER_MS = 1024 ** 2;
/** Measuring may take this part of the time. */
const LARGEST_SHARE = 0.1;
/** What others free on the file system hides what the cell writes: so it is measured now and then all the same. */
const LONGEST_TRUST_MS = 30_000;
/** A walk that is never whole has something to hide: a folder that its owner cannot read. */
const MOST_TRIES = 3;

interface Known {
  readonly bytes: number;
  /** What the whole file system had in use then. */
  readonly systemBytes: number;
  readonly at: number;
  readonly tookMs: number;
}

/** Measures anew; what cannot be walked is bounded by what the file system has grown since the start. */
function createMeasure({ folders, rootPid, startBytes = 0 }: DiskWatch, place: string) {
  const systemAtStart = readDiskSpace(place).usedBytes;
  return async (): Promise<Known> => {
    const at = monotonicMs();
    const systemBytes = readDiskSpace(place).usedBytes;
    const growth = startBytes + Math.max(0, systemBytes - systemAtStart);
    let measured = await measureDisk(folders, rootPid);
    for (let tries = 1; !measured.whole && tries < MOST_TRIES; tries += 1)
      measured = await measureDisk(folders, rootPid);
    const bytes = measured.whole ? measured.bytes : Math.max(measured.bytes, growth);
    return { bytes, systemBytes, at, tookMs: monotonicMs() - at };
  };
}

/** The most that can lie in the folders now: what was measured, and all that the file system has grown since. */
function boundOf(known: Known, place: string): number {
  return known.bytes + Math.max(0, readDiskSpace(place).usedBytes - known.systemBytes);
}

function waitMs(bound: number, limitBytes: number): number {
  const untilFull = Math.floor(Math.max(0, limitBytes - bound) / FASTEST_BYTES_PER_MS);
  return Math.min(Math.max(untilFull, NEAR_MS), FAR_MS);
}

/**
 * Watches a session's folders where it has no disk of its own. The file system's own count, which is one call, says
 * when they cannot be over the limit; only when they could be are they walked. Ends with `stop`.
 */
export function watchDisk(watch: DiskWatch): { stop(): void; lastLook(): Promise<void> } {
  const [place = "/"] = watch.folders;
  const measure = createMeasure(watch, place);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let known: Known | undefined =
    watch.startBytes === undefined
      ? undefined
      : {
          bytes: watch.startBytes,
          systemBytes: readDiskSpace(place).usedBytes,
          at: monotonicMs(),
          tookMs: 0,
        };

  const isKnownToFit = () => {
    if (known === undefined) return false;
    const age = monotonicMs() - known.at;
    if (age < known.tookMs / LARGEST_SHARE) return true;
    return age < LONGEST_TRUST_MS && boundOf(known, place) <= watch.limitBytes;
  };
  const tick = async () => {
    if (!isKnownToFit()) known = await measure();
    if (stopped) return;
    if (known !== undefined && known.bytes > watch.limitBytes) watch.onExceeded(known.bytes);
    else next(known === undefined ? NEAR_MS : waitMs(boundOf(known, place), watch.limitBytes));
  };
  const next = (ms: number) => {
    if (stopped) return;
    timer = setTimeout(() => {
      tick().catch((cause: unknown) => {
        if (!stopped) watch.onLost(cause);
      });
    }, ms);
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
  };
  next(NEAR_MS);
  return {
    stop,
    // A command may have filled the disk and ended between two looks.
    lastLook: async () => {
      stop();
      if (known !== undefined && boundOf(known, place) <= watch.limitBytes) return;
      const { bytes } = await measure();
      if (bytes > watch.limitBytes) watch.onExceeded(bytes);
    },
  };
}
