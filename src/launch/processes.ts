import { readdirSync, readFileSync } from "node:fs";
import { codeOf } from "../errors/index.ts";

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // ESRCH: it ended between the open and the read.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH") return undefined;
    throw error;
  }
}

/** Fields of /proc/PID/stat after the command name, which may hold blanks and parentheses itself. */
function stat(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** True while a process is there and no zombie: a zombie PID 1 means that its whole namespace is empty. */
export function isAlive(pid: number): boolean {
  const state = stat(pid)?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Start time in clock ticks since boot: together with the pid it names one process for ever. */
export function startTime(pid: number): string | undefined {
  return stat(pid)?.[19];
}

/** Children of a process, oldest first. */
export function childrenOf(pid: number): number[] {
  const listed = read(`/proc/${pid}/task/${pid}/children`);
  if (listed !== undefined) return listed.split(" ").filter(Boolean).map(Number);
  // A kernel without CONFIG_PROC_CHILDREN: every process names its parent.
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return all.filter((other) => stat(other)?.[1] === `${pid}`).sort((a, b) => a - b);
}

/** A process's number in its innermost PID namespace. */
export function innerPid(pid: number): number | undefined {
  const line = /^NSpid:\s+(.*)$/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return line === undefined ? undefined : Number(line.split("\t").at(-1));
}
