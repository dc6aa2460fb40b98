import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { codeOf } from "../errors/index.ts";

const STEP_MS = 10;
const LIMIT_MS = 1000;

/** The descriptors on which a cell's filters are handed in, until cellinit has read the second (src/plan/argv.ts). */
const FILTERS = [4, 5];

/** Where a descriptor of a process leads; undefined when that has ended, has none, or is not ours to look at. */
function openAt(pid: number, descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function find(cellFolder: string): readonly number[] {
  const isOfCell = (pid: number) =>
    FILTERS.some((descriptor) => openAt(pid, descriptor)?.startsWith(`${cellFolder}/filter-`));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isOfCell(pid));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/**
 * Ends what a cellhost that died itself may have left: bwrap goes with it, yet bwrap's own child waits for bwrap in its
 * first moment and is not tied to it, for ever. It is known by the cell's filters, which it has open. `cellFolder` is
 * that of the cell's records.
 */
export async function endStragglers(cellFolder: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += STEP_MS) {
    const left = find(cellFolder);
    if (left.length === 0) return;
    left.forEach(kill);
    await pause(STEP_MS);
  }
}
