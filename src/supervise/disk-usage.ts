import { execFile } from "node:child_process";
import { statfsSync, statSync } from "node:fs";
import { namelessFiles, processesOf } from "./cell-processes.ts";

/** What a file system has in use, and what is left for an ordinary user. */
export interface DiskSpace {
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Files that can still be made; null where the file system has no fixed number of them. */
  readonly freeFiles: number | null;
}

/** Asks a file system for its space: one call, whatever is on it. */
export function readDiskSpace(place: string): DiskSpace {
  const { blocks, bfree, bavail, bsize, files, ffree } = statfsSync(place);
  return {
    usedBytes: (blocks - bfree) * bsize,
    freeBytes: bavail * bsize,
    freeFiles: files === 0 ? null : ffree,
  };
}

export interface Measured {
  readonly bytes: number;
  /** False: some of it could not be walked, or changed while it was. */
  readonly whole: boolean;
}

/** Sums the first column of du's lines, which is in units of 1024. */
export function sumUsage(text: string): number {
  return text.split("\n").reduce((sum, line) => sum + Number(/^(\d+)\t/.exec(line)?.[1] ?? 0) * 1024, 0);
}

/** du walks what no path can name, counts hard links once, and leaves the gate its thread. */
function walk(folders: readonly string[]): Promise<Measured> {
  const options = { env: { PATH: "/usr/bin:/bin" }, cwd: "/", maxBuffer: 1024 ** 2, timeout: 600_000 };
  return new Promise((resolve, reject) => {
    execFile("du", ["-skx", "--", ...folders], options, (error, stdout) => {
      // Its text of what it could not read may be longer than the buffer: that, too, is a walk that is not whole.
      if (error !== null && "code" in error && error.code === "ENOENT") reject(error);
      else resolve({ bytes: sumUsage(stdout), whole: error === null });
    });
  });
}

/** Deleted files that the cell's processes hold open on the folders' disk. */
function deletedBytes(rootPid: number, device: number): number {
  return namelessFiles(processesOf(rootPid) ?? [])
    .filter((file) => !file.isMemory && file.device === device)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What lies in the folders, files that are deleted and still open included. */
export async function measureDisk(folders: readonly string[], rootPid: number): Promise<Measured> {
  const [first = "/"] = folders;
  const { bytes, whole } = await walk(folders);
  return { bytes: bytes + deletedBytes(rootPid, statSync(first).dev), whole };
}
