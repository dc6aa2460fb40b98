import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { AgentDriver, AgentProgram } from "../agent/index.ts";
import { WorkcellError } from "../errors/index.ts";
import type { AuditEvent, Denial } from "../model/index.ts";
import { type RunningCell, startCell } from "../session/index.ts";
import type { SettingsFlags } from "../settings/index.ts";
import type { Task } from "./inside/task.ts";

/** What an observation is made with. */
export interface ObserveRequest {
  /** Profile, tunnel, tier, session: as the person asked for them. */
  readonly flags: SettingsFlags;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  /** Where Workcell is built: the folder with `observer.js`. */
  readonly installation: string;
  /** The agent that is observed; absent: the built-in one. */
  readonly agent?: { readonly driver: AgentDriver; readonly program: AgentProgram };
  onNotice?(line: string): void;
}

/** Reads its program from standard input: nothing of Workcell's own needs to be visible in the cell. */
export function observerCommand(...args: readonly string[]): string[] {
  return [realpathSync(process.execPath), "--input-type=module", "-", ...args];
}

/** The program with its task in front. */
export function observerProgram(installation: string, task: Task): string {
  const code = readFileSync(path.join(installation, "observer.js"), "utf8");
  return `globalThis.workcellTask = ${JSON.stringify(task)};\n${code}`;
}

interface Streams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Gives a process its program, and takes the lines that it answers with, until it ends. Throws when there is none. */
export async function* followAnswers(streams: Streams, program: string): AsyncGenerator<unknown> {
  const { stdin, stdout, stderr } = streams;
  if (!stdin || !stdout || !stderr) throw new Error("the observer has no streams");
  let complaint = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  // An observer that dies before it has read its program is told by what it said, not by our broken pipe.
  stdin.on("error", () => {}).end(program);
  let answered = false;
  for await (const line of createInterface({ input: stdout })) {
    answered = true;
    yield JSON.parse(line) as unknown;
  }
  if (answered) return;
  throw new Error(
    `the observer ended without an answer: ${complaint.trim().replace(/\s+/g, " ").slice(-300)}`,
  );
}

/** Gives a process its program, and takes the one line that it answers with. */
export async function converse(streams: Streams, program: string): Promise<unknown> {
  for await (const answer of followAnswers(streams, program)) return answer;
  return undefined;
}

interface ObserverRequest {
  readonly request: ObserveRequest;
  readonly allowHosts: readonly string[];
  readonly task: Task;
  /** Words after the program: how others may recognise the process. */
  readonly args?: readonly string[];
  readonly signal: AbortSignal;
  onEvent?(event: AuditEvent): void;
  onDenial?(denial: Denial): void;
}

/** A cell whose command waits for its program. */
export interface Observer {
  readonly cell: RunningCell;
  /** Gives the observer its program; resolves to its answer. Called once. */
  ask(): Promise<unknown>;
  /** The same for an observer that answers more than once: resolves to the last answer, when it has ended. */
  askToTheEnd(): Promise<unknown>;
  /** Ends the cell, whatever it does. */
  end(): Promise<void>;
}

/** Starts a fresh cell with the observer as its command. */
export async function startObserver(input: ObserverRequest): Promise<Observer> {
  const { request, allowHosts, task, args = [], signal, onEvent, onDenial } = input;
  const program = observerProgram(request.installation, task);
  const cell = await startCell({
    ...request,
    flags: { ...request.flags, allowHosts: [...request.flags.allowHosts, ...allowHosts] },
    command: observerCommand(...args),
    stdio: ["pipe", "pipe", "pipe"],
    signal,
    ...(onEvent && { onEvent }),
    ...(onDenial && { onDenial }),
  });
  return {
    cell,
    ask: () => converse(cell, program),
    askToTheEnd: async () => {
      let last: unknown;
      for await (const answer of followAnswers(cell, program)) last = answer;
      return last;
    },
    end: async () => {
      // An observer that was never asked waits for its program for ever; once it has ended, this reaches nobody.
      cell.kill("SIGKILL");
      await cell.outcome;
    },
  };
}

/** Fails closed: a build without the observer cannot report. */
export function checkInstallation(installation: string): void {
  try {
    readFileSync(path.join(installation, "observer.js"));
  } catch (cause) {
    throw new WorkcellError("WC_HOST", {
      message: `Cannot observe: "${path.join(installation, "observer.js")}" is not there, and a whole build is needed`,
      remedy: "Run: npm run build",
      cause,
    });
  }
}
