import { readdirSync, readFileSync, readlinkSync } from "node:fs";

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Processes come and go while they are looked at.
    return "";
  }
}

/** The fields after the name in /proc/PID/stat; empty when it is not there. */
function stat(pid: number): string[] {
  const text = readIfThere(`/proc/${pid}/stat`);
  return text === "" ? [] : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** A process, and the moment it started: together they name one process for ever. */
export interface HostProcess {
  readonly pid: number;
  readonly started: string;
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A process and all that descend from it. */
export function processTree(root: number): HostProcess[] {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = Number(stat(pid)[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree: number[] = [];
  for (const queue = [root]; queue.length > 0; ) {
    const pid = queue.shift() ?? 0;
    tree.push(pid);
    queue.push(...(children.get(pid) ?? []));
  }
  return tree.map((pid) => ({ pid, started: stat(pid)[19] ?? "" }));
}

/** True while that very process is there and no zombie. */
export function isAlive({ pid, started }: HostProcess): boolean {
  const fields = stat(pid);
  return fields[19] === started && fields[0] !== "Z" && fields[0] !== "X";
}

export function commandLine(pid: number): string[] {
  return readIfThere(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** A field of /proc/PID/status. */
export function statusField(pid: number | "self", name: string): string {
  const found = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(readIfThere(`/proc/${pid}/status`));
  return found?.[1] ?? "";
}

/** A process's number in its own PID namespace; 0 when it has none of its own. */
export function innerPid(pid: number): number {
  const numbers = statusField(pid, "NSpid").split(/\s+/);
  return numbers.length > 1 ? Number(numbers.at(-1)) : 0;
}

const namespaceNames = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/** Namespaces of a process that are not ours, and those that are. Throws when they cannot be read. */
export function compareNamespaces(pid: number): { own: string[]; shared: string[] } {
  const link = (of: number | "self", name: string) => readlinkSync(`/proc/${of}/ns/${name}`);
  const shared = namespaceNames.filter((name) => link(pid, name) === link("self", name));
  return { own: namespaceNames.filter((name) => !shared.includes(name)), shared };
}

export function programOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/exe`);
}
