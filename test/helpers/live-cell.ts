import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { House, Person } from "./cell.ts";

export interface HostProcess {
  readonly pid: number;
  readonly command: string;
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    // It has ended, or is not ours to look at.
    return "";
  }
}

/** Every process on the host that carries the mark in its environment or command line, zombies left out. */
export function processesWith(mark: string): readonly HostProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), command: read(`/proc/${name}/cmdline`).replaceAll("\0", " ") }))
    .filter(({ pid, command }) => command.includes(mark) || read(`/proc/${pid}/environ`).includes(mark));
}

/** Those of them that are in a cell, and not on the host. */
export function inCell(processes: readonly HostProcess[]): readonly HostProcess[] {
  const namespace = (pid: number | "self") => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`);
    } catch {
      return undefined;
    }
  };
  const own = namespace("self");
  return processes.filter(({ pid }) => ![own, undefined].includes(namespace(pid)));
}

/** Waits for something to become true. */
export async function until(isTrue: () => boolean, limitMs = 15_000): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; ) {
    const began = performance.now();
    if (isTrue()) return true;
    // A look at every process costs as much as the cells that it waits for, were it never to rest.
    await wait(Math.min(25, Math.max(5, 3 * (performance.now() - began))));
  }
  return isTrue();
}

/** A cell whose command runs until it is disposed of. */
export interface LiveCell extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What its command has printed so far. */
  readonly output: () => string;
  /** All of it on the host but Workcell itself. */
  readonly processes: () => readonly HostProcess[];
}

const MARK = "WORKCELL_TEST_MARK";
const SAID = "it runs";

export const makeMark = () => `mark-${Math.random().toString(36).slice(2)}`;

/** Starts a cell that stays; `script` is of bash, and runs before it begins to wait. */
export async function startCell(
  house: House,
  person: Person,
  flags: readonly string[],
  script = ":",
): Promise<LiveCell> {
  const mark = makeMark();
  // Those who start the command have the mark on their command lines, and its own processes in their environment.
  const command = ["bash", "-c", `${script}\necho "${SAID}"; read -r never`, mark];
  const [program = "", ...args] = house.runWords(person, [...flags, "-e", `${MARK}=${mark}`], command);
  const child = spawn(program, args, {
    ...house.spawnOptions(person),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  if (
    !(await until(() => output.includes(`${SAID}\n`) || child.exitCode !== null)) ||
    child.exitCode !== null
  ) {
    child.kill("SIGKILL");
    throw new Error("The cell did not start");
  }
  return {
    child,
    output: () => output,
    processes: () => processesWith(mark).filter(({ pid }) => pid !== child.pid),
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await closed;
    },
  };
}
