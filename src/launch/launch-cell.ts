import { type ChildProcess, type IOType, type StdioOptions, spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Plan } from "../model/index.ts";
import { launchEnvironment } from "../plan/index.ts";
import { launchError } from "./launch-error.ts";
import { SupervisorReader, type SupervisorRecord } from "./supervisor-record.ts";

/** Where the command's stdin, stdout and stderr come from and go: a descriptor of ours, or a new pipe. */
export type CommandStdio = readonly [Stdio, Stdio, Stdio];
type Stdio = "inherit" | "ignore" | "pipe" | number;

/** A listening socket that was made inside the cell's network namespace. */
export type CellListener = object;

/** Where on the host a cell's things lie. */
export interface CellPlace {
  /** The cell's own folder. */
  readonly folder: string;
  /** Files of its control groups that its first process writes itself into. */
  readonly joinFiles: readonly string[];
}

/** A cell whose processes run. The command has not started before `go`. */
export interface Running {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Direct tunnel: resolves to the listening sockets of 3128 and 1080, which the gate accepts on. */
  readonly listeners: Promise<{ readonly http: CellListener; readonly socks: CellListener }>;
  /** Resolves when everything is sealed and both ports accept; rejects with WC_LAUNCH when it ended before. */
  readonly ready: Promise<void>;
  /** Resolves when nothing of the cell is alive any more. */
  readonly ended: Promise<SupervisorRecord>;
  /** PID 1 of the cell and the command's process as the host numbers them; known from `ready` on. */
  pids(): { readonly hostPid: number; readonly commandPid: number } | undefined;
  go(): void;
  /** Sends a signal to the command and its process group; SIGUSR1 and 2, SIGALRM and SIGIO to it alone. False when there is none (yet, or any more). */
  signal(name: NodeJS.Signals): boolean;
  /** Ends everything in the cell at once. */
  kill(): void;
}

function openContents(plan: Plan, stderr: Stdio, folder: string): Map<number, number> {
  const opened = new Map<number, number>();
  for (const { fd, name, content } of plan.descriptors) {
    // Node opens nothing for an ignored descriptor above 2, and cellinit would find it missing.
    if (name === "stderr" && stderr === "ignore") opened.set(fd, openSync("/dev/null", "r+"));
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
  const list: (IOType | "ipc" | number)[] = [stdin, stdout, "pipe"];
  for (const { fd, name } of plan.descriptors) {
    if (name === "channel") list[fd] = "ipc";
    if (name === "stderr") list[fd] = stderr === "inherit" ? 2 : stderr;
    const content = opened.get(fd);
    if (content !== undefined) list[fd] = content;
  }
  return list;
}

function spawnPlan(plan: Plan, stdio: CommandStdio, place: CellPlace): ChildProcess {
  const opened = openContents(plan, stdio[2], place.folder);
  try {
    const [program = "", verb = "", ...rest] = plan.argv;
    const args = [verb, ...place.joinFiles.flatMap((file) => ["--cgroup", file]), ...rest];
    return spawn(program, args, {
      cwd: "/",
      env: launchEnvironment(plan),
      stdio: stdioList(plan, stdio, opened),
    });
  } finally {
    for (const fd of opened.values()) closeSync(fd);
  }
}

/** Messages of cellhost as they come, the listening sockets among them. */
function readMessages(child: ChildProcess, reader: SupervisorReader) {
  const found = new Map<string, CellListener>();
  return new Promise<{ http: CellListener; socks: CellListener }>((resolve) => {
    child.on("message", (message: Record<string, unknown>, handle: unknown) => {
      reader.push(message);
      if (message["t"] !== "listen" || typeof handle !== "object" || handle === null) return;
      found.set(String(message["name"]), handle);
      const [http, socks] = [found.get("http"), found.get("socks")];
      if (http !== undefined && socks !== undefined) resolve({ http, socks });
    });
  });
}

/** cellhost's own complaints: what went wrong before there was anything to supervise. */
function readComplaints(child: ChildProcess): () => string {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 4096);
  });
  return () => said.trim();
}

/** Starts the processes of a plan. */
export function launchCell(plan: Plan, stdio: CommandStdio, place: CellPlace): Running {
  const child = spawnPlan(plan, stdio, place);
  const reader = new SupervisorReader();
  const complaints = readComplaints(child);
  const listeners = readMessages(child, reader);
  // A message may meet a cell that has just died; its end is reported by `ended`.
  child.on("error", () => {});

  let unspawned = "";
  const closed = new Promise<number | null>((resolve) => {
    child.once("close", (code) => resolve(code));
    child.once("error", (error) => {
      if (child.pid !== undefined) return;
      unspawned = error.message;
      resolve(null);
    });
  });
  // cellhost's last message: it has reaped everything and let go of layers, and itself ends a moment later.
  let tellEmptied = () => {};
  const emptied = new Promise<void>((resolve) => {
    tellEmptied = resolve;
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.on("message", () => {
      if (reader.record.ready !== undefined) resolve();
      if (reader.record.used !== undefined) tellEmptied();
    });
    void closed.then((code) =>
      reject(launchError(plan, { record: reader.record, code, said: complaints() || unspawned })),
    );
  });
  // The cell may end while nobody waits for `ready` any more.
  ready.catch(() => {});

  // A number belongs to somebody else soon after its process has ended.
  const over = () => reader.record.used !== undefined || reader.record.status !== undefined;
  const tell = (message: string): void => {
    if (child.connected) child.send(message, () => {});
  };
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    // A child that could not be spawned for want of descriptors has none at all.
    stderr: ((child.stdio as readonly unknown[] | undefined)?.[6] ?? null) as Readable | null,
    listeners,
    ready,
    ended: Promise.race([closed, emptied]).then(() => reader.record),
    pids: () => reader.record.ready,
    go: () => tell("g"),
    signal: (name) => signalCommand(over() ? undefined : reader.record.ready?.commandPid, name),
    kill: () => tell("k"),
  };
}

/** Addressed to one program: they would end those of its children that do not know what to do with them. */
const forOneProgram: readonly NodeJS.Signals[] = ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGIO"];

/** Signals go to the command's own process group, by its host number: PIDs 1 to 4 never see them. */
function signalCommand(command: number | undefined, name: NodeJS.Signals): boolean {
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
