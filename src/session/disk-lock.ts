import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { startTime } from "../launch/index.ts";

const STEP_MS = 5;
const PATIENCE_MS = 10_000;

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS);
}

/** True when the Workcell that took the lock has ended without giving it back. */
function isAbandoned(lock: string): boolean {
  try {
    const [pid, started] = readFileSync(lock, "utf8").split(" ");
    // An empty one is being written this very moment.
    return started !== undefined && startTime(Number(pid)) !== started.trim();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid} ${startTime(process.pid)}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (isAbandoned(lock)) rmSync(lock, { force: true });
    return false;
  }
}

/** Lets one Workcell at a time mount or unmount a session's disk. */
export function withDiskLock<T>(folder: string, use: () => T): T {
  const lock = path.join(folder, "disk.lock");
  for (let waitedMs = 0; !take(lock); waitedMs += STEP_MS) {
    if (waitedMs >= PATIENCE_MS) {
      throw new WorkcellError("WC_SESSION", {
        message: `Cannot mount the disk of "${folder}": another Workcell has held "${lock}" for ${PATIENCE_MS / 1000} s`,
        remedy: "Wait for it to end, and run the command again",
      });
    }
    pause();
  }
  try {
    return use();
  } finally {
    rmSync(lock, { force: true });
  }
}
