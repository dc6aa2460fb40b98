import { execFile } from "node:child_process";

/**
 * Bytes in a cell's System V segments. A segment that nobody is attached to is in no process, and its list shows only
 * to one who is in the IPC namespace, which root may enter. 0 when it cannot be entered: for an ordinary user the
 * namespace belongs to a user namespace that no process of the cell is in any more.
 */
export function segmentBytes(rootPid: number): Promise<number> {
  const words = ["--preserve-credentials", "-U", "-i", "-t", `${rootPid}`, "cat", "/proc/sysvipc/shm"];
  return new Promise((resolve) => {
    execFile("nsenter", words, { timeout: 2000, cwd: "/" }, (error, stdout) => {
      resolve(error === null ? sumSegments(stdout) : 0);
    });
  });
}

/** Columns `rss` and `swap` of /proc/sysvipc/shm. */
export function sumSegments(table: string): number {
  const [head = "", ...rows] = table.trim().split("\n");
  const names = head.trim().split(/\s+/);
  const columns = ["rss", "swap"].map((name) => names.indexOf(name)).filter((index) => index >= 0);
  return rows.reduce((sum, row) => {
    const fields = row.trim().split(/\s+/);
    return sum + columns.reduce((bytes, index) => bytes + Number(fields[index] ?? 0), 0);
  }, 0);
}
