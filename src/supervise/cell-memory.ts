import { readFileSync, statfsSync } from "node:fs";
import { namelessFiles, processesOf, readOfProcess } from "./cell-processes.ts";

/** The kernel's page, in bytes: entry 6 (AT_PAGESZ) of what it hands every program at its start. */
export function pageBytes(): number {
  const vector = readFileSync("/proc/self/auxv");
  for (let at = 0; at + 16 <= vector.length; at += 16)
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8));
  return 4096;
}

/** Bytes of a line `Name:   12 kB`. */
function kilobytes(text: string, name: string): number | undefined {
  const [, digits] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * 1024;
}

export interface HostMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Of all tmpfs, memfds and shared segments of the host. */
  readonly sharedBytes: number;
}

export function readHostMemory(): HostMemory {
  const text = readFileSync("/proc/meminfo", "utf8");
  return {
    totalBytes: kilobytes(text, "MemTotal") ?? 0,
    availableBytes: kilobytes(text, "MemAvailable") ?? 0,
    sharedBytes: kilobytes(text, "Shmem") ?? 0,
  };
}

interface Mounted {
  readonly device: string;
  readonly point: string;
}

function tmpfsIn(mountinfo: string): readonly Mounted[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [head = "", tail = ""] = line.split(" - ");
    const [, , device = "", , point = ""] = head.split(" ");
    return tail.startsWith("tmpfs ") ? [{ device, point }] : [];
  });
}

/** The cell's own tmpfs: those that the host does not have mounted. Each once, as a path that the host can walk. */
export function tmpfsOf(
  rootPid: number,
  host = readFileSync("/proc/self/mountinfo", "utf8"),
): readonly string[] {
  const hosts = new Set(tmpfsIn(host).map(({ device }) => device));
  const own = tmpfsIn(readOfProcess(`/proc/${rootPid}/mountinfo`) ?? "").filter(
    ({ device, point }) => !hosts.has(device) && !point.includes("\\"),
  );
  const places = new Map(own.map(({ device, point }) => [device, `/proc/${rootPid}/root${point}`]));
  // One that another is mounted over has the same path, and is counted as that one.
  return [...new Set(places.values())];
}

export function tmpfsBytes(places: readonly string[]): number {
  return places.reduce((sum, place) => {
    try {
      const { blocks, bfree, bsize } = statfsSync(place);
      return sum + (blocks - bfree) * bsize;
    } catch {
      return sum; // The cell has just ended.
    }
  }, 0);
}

/** More than what the processes hold, and cheap: pages that several share are counted for each. */
export function residentBytes(folders: readonly string[], page: number): number {
  return folders.reduce((sum, folder) => {
    const pages = readOfProcess(`${folder}/statm`)?.split(" ")[1];
    return sum + Number(pages ?? 0) * page;
  }, 0);
}

/** What the processes have been moved to swap of. */
export function swappedBytes(folders: readonly string[]): number {
  return folders.reduce(
    (sum, folder) => sum + (kilobytes(readOfProcess(`${folder}/status`) ?? "", "VmSwap") ?? 0),
    0,
  );
}

interface Share {
  /** Anonymous pages, mapped files and swap. */
  readonly ownBytes: number;
  readonly mappedSharedBytes: number;
}

/** What the processes hold, with pages that several share divided among them. Slow: the kernel walks all pages. */
function sharesOf(folders: readonly string[]): Share {
  let [ownBytes, mappedSharedBytes] = [0, 0];
  for (const folder of folders) {
    const rollup = readOfProcess(`${folder}/smaps_rollup`);
    if (rollup === undefined) continue;
    const shared = kilobytes(rollup, "Pss_Shmem") ?? 0;
    ownBytes += (kilobytes(rollup, "Pss") ?? 0) - shared + (kilobytes(rollup, "SwapPss") ?? 0);
    mappedSharedBytes += shared;
  }
  return { ownBytes, mappedSharedBytes };
}

export interface SharedMemory {
  readonly tmpfsBytes: number;
  /** Growth of the host's shared memory since the cell's start: nothing of the cell's can be more. */
  readonly growthBytes: number;
  /** Segments of System V in the cell's IPC namespace. */
  readonly segmentBytes: number;
}

/** What the cell holds, as exactly as it can be told from outside. Undefined when it has ended. */
export function exactBytes(rootPid: number, shared: SharedMemory): number | undefined {
  const folders = processesOf(rootPid);
  if (folders === undefined) return undefined;
  const { ownBytes, mappedSharedBytes } = sharesOf(folders);
  const unmapped = namelessFiles(folders)
    .filter(({ isMemory }) => isMemory)
    .reduce((sum, { bytes }) => sum + bytes, 0);
  // A file of a tmpfs or a memfd may be mapped as well, and is then in two of these; the host's growth bounds the sum.
  const listed = shared.tmpfsBytes + unmapped + shared.segmentBytes;
  const most = Math.max(shared.growthBytes, listed, mappedSharedBytes);
  return ownBytes + Math.min(listed + mappedSharedBytes, most);
}
