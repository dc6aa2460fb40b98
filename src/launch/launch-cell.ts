import { type ChildProcess, type IOType, type StdioOptions, spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { WorkcellError } from "../errors/index.ts";
import type { Plan } from "../model/index.ts";
import { launchEnvironment } from "../plan/index.ts";
import { ControlReader, type ControlRecord } from "./control-channel.ts";
import { childrenOf, innerPid, isAlive } from "./processes.ts";

/** Where the command's stdin, stdout and stderr come from and go: a descriptor of ours, or a new pipe. */
export type CommandStdio = readonly [Stdio, Stdio, Stdio];
type Stdio = "inherit" | "ignore" | "pipe" | number;

/** How the processes of a cell ended, before it is judged. */
export interface RawEnding {
  /** bwrap's own code and signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly control: ControlRecord;
}

/** A cell whose processes run. The command has not started before `go`. */
export interface Running {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves when everything is sealed and both ports accept; rejects with WC_LAUNCH when it ended before. */
  readonly ready: Promise<void>;
  /** Resolves when nothing of the cell is alive any more. */
  readonly ended: Promise<RawEnding>;
  /** PID 1 of the cell as the host numbers it; known from `ready` on. */
  hostPid(): number | undefined;
  go(): void;
  /** Sends a signal to the command and its process group; SIGUSR1 and 2 to it alone. False when there is none (yet, or any more). */
  signal(name: NodeJS.Signals): boolean;
  /** Ends everything in the cell at once. */
  kill(): void;
}

function openContents(plan: Plan, folder: string): Map<number, number> {
  const opened = new Map<number, number>();
  for (const { fd, name, content } of plan.descriptors) {
    if (content === undefined) continue;
    const file = path.join(folder, `${name}.bpf`);
    writeFileSync(file, content);
    opened.set(fd, openSync(file, "r"));
  }
  return opened;
}

/** What stands at the index of a spawn's stdio list is the descriptor of that number in the child. */
function stdioList(plan: Plan, stdio: CommandStdio, opened: ReadonlyMap<number, number>): StdioOptions {
  const [stdin, stdout, stderr] = stdio;
  const list: (IOType | number)[] = [stdin, stdout, "pipe", "ignore"];
  for (const { fd, name } of plan.descriptors) {
    if (name === "stderr") list[fd] = stderr === "inherit" ? 2 : stderr;
    const content = opened.get(fd);
    if (content !== undefined) list[fd] = content;
  }
  return list;
}

function spawnPlan(plan: Plan, stdio: CommandStdio, folder: string): ChildProcess {
  const opened = openContents(plan, folder);
  try {
    const [program = "", ...args] = plan.argv;
    return spawn(program, args, {
      cwd: "/",
      env: launchEnvironment(plan),
      stdio: stdioList(plan, stdio, opened),
      // A terminal sends Ctrl-C to its whole foreground group: it would end the sandbox under the command that may
      // want to handle it. Workcell alone is in that group, and hands the signal on.
      detached: true,
    });
  } finally {
    for (const fd of opened.values()) closeSync(fd);
  }
}

function launchError(plan: Plan, record: ControlRecord): WorkcellError {
  const said = record.complaints.join("; ");
  return new WorkcellError("WC_LAUNCH", {
    message: `Cannot start the cell of session "${plan.session}": ${said || "the sandbox ended before it was sealed"}`,
    remedy: "Run workcell doctor to see what this machine lacks",
    details: { complaints: record.complaints },
  });
}

/** Waits until the PID namespace of `pid` is empty: bwrap's own exit comes a moment before that. */
async function untilEmpty(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  for (let wait = 0; isAlive(pid); wait = Math.min(wait + 1, 20)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Starts the processes of a plan. `folder` is the cell's own folder on the host. */
export function launchCell(plan: Plan, stdio: CommandStdio, folder: string): Running {
  const child = spawnPlan(plan, stdio, folder);
  const control = child.stdio[2] as Readable & Writable;
  const reader = new ControlReader();
  let hostPid: number | undefined;

  const ready = new Promise<void>((resolve, reject) => {
    control.setEncoding("utf8");
    control.on("data", (text: string) => {
      if (!reader.push(text).ready || hostPid !== undefined || child.pid === undefined) return;
      hostPid = childrenOf(child.pid)[0];
      resolve();
    });
    child.once("error", (cause) =>
      reject(
        new WorkcellError("WC_LAUNCH", {
          message: `Cannot start "${plan.argv[0]}": ${cause.message}`,
          remedy: "Run workcell doctor",
          cause,
        }),
      ),
    );
    child.once("close", () => reject(launchError(plan, reader.record)));
  });
  // The cell may end while nobody waits for `ready` any more.
  ready.catch(() => {});
  // A go-byte may meet a cell that has just died; its end is reported by `ended`.
  control.on("error", () => {});

  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  }).then(async (end): Promise<RawEnding> => {
    await Promise.all([untilEmpty(hostPid), drained(control)]);
    return { ...end, control: reader.record };
  });

  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: ((child.stdio as readonly unknown[])[6] ?? null) as Readable | null,
    ready,
    ended,
    hostPid: () => hostPid,
    go: () => void control.write("g"),
    signal: (name) => signalCommand(hostPid, name),
    kill: () => killCell(child, hostPid),
  };
}

/** The socket's last lines may come after the exit. */
async function drained(control: Readable): Promise<void> {
  if (control.readableEnded || control.destroyed) return;
  await new Promise<void>((resolve) => {
    control.once("close", () => resolve());
    control.once("end", () => resolve());
  });
}

/** Addressed to one program: they would end those of its children that do not know what to do with them. */
const forOneProgram: readonly NodeJS.Signals[] = ["SIGUSR1", "SIGUSR2"];

/** Signals go to the command's own process group, by its host number: PIDs 1 to 4 never see them. */
function signalCommand(hostPid: number | undefined, name: NodeJS.Signals): boolean {
  const shell = hostPid === undefined ? undefined : childrenOf(hostPid)[0];
  const command = shell === undefined ? undefined : childrenOf(shell).find((pid) => innerPid(pid) === 5);
  if (command === undefined) return false;
  // A command may have left the group it was started in.
  return (!forOneProgram.includes(name) && send(-command, name)) || send(command, name);
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    // ESRCH: it has just ended by itself.
    return false;
  }
}

function killCell(child: ChildProcess, hostPid: number | undefined): void {
  if (hostPid !== undefined) send(hostPid, "SIGKILL");
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}
