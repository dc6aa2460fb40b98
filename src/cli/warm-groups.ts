import { readFileSync, writeFile } from "node:fs";

/**
 * Starts, before anything of Workcell is loaded, what a cell will wait for: with version 1 of control groups the kernel
 * lets 5 to 25 ms pass before it moves the first process into a group, and moves others at once for some 10 ms after
 * that. Moving this process to where it is buys the wait beside other work. Root's cells alone have such groups.
 */
export function warmGroups(): void {
  if (process.getuid?.() !== 0) return;
  try {
    const groups = readFileSync("/proc/self/cgroup", "utf8");
    const [, own] = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups) ?? [];
    // Whether it works or not, the cell's own move is what counts.
    if (own !== undefined) writeFile(`/sys/fs/cgroup/memory${own}/cgroup.procs`, `${process.pid}`, () => {});
  } catch {
    // No /proc to ask: the start will say what it lacks.
  }
}
