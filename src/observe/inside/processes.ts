import { readdirSync, readFileSync } from "node:fs";
import type { CellProcess } from "../../report/index.ts";

const words = (file: string) => readFileSync(file, "utf8").split("\0").filter(Boolean);

function readProcess(pid: number): CellProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold blanks and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      pid,
      comm: readFileSync(`/proc/${pid}/comm`, "utf8").trim(),
      command: words(`/proc/${pid}/cmdline`),
      session: Number(fields[3]),
      terminal: Number(fields[4]),
    };
  } catch {
    // It has ended since it was listed.
    return undefined;
  }
}

/** Every process that can be seen. */
export function readProcesses(): CellProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((pid) => readProcess(pid) ?? []);
}

/** Fields of /proc/self/status by name. */
export function readStatus(): ReadonlyMap<string, string> {
  const lines = readFileSync("/proc/self/status", "utf8").trim().split("\n");
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}
