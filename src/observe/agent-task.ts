import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import {
  agentCommand,
  builtIn,
  builtInProgram,
  type ScriptedModel,
  type ScriptedRequest,
  scriptedRoute,
  startScriptedModel,
} from "../agent/index.ts";
import { realPlace } from "../lib/real-place.ts";
import { stateFolder } from "../lib/xdg-folders.ts";
import type { AuditEvent } from "../model/index.ts";
import type { AgentCall, AgentView } from "../report/index.ts";
import { namedSession, type RunningCell, removeSession, reviewSession, startCell } from "../session/index.ts";
import { everydayScript, everydayTask } from "./everyday-task.ts";
import { innerPid, statusField } from "./host-processes.ts";
import { makeReceipts, type Receipts, readFiles, writeFiles } from "./receipts.ts";
import type { ObserveRequest } from "./run-observer.ts";

const TIME_MS = 30_000;

/** The lines of the agent's `--json` that tell of calls and of what answered. */
interface EventLine {
  readonly type: string;
  readonly id?: string;
  readonly name?: string;
  readonly parent?: string | null;
  readonly result?: { readonly is_error?: boolean };
  readonly models?: Readonly<Record<string, unknown>>;
}

function readEvents(output: string): { calls: readonly AgentCall[]; answeredBy: readonly string[] } {
  const lines = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as EventLine);
  const calls = lines.flatMap(({ type, name = "", parent = null, result }) =>
    type === "tool-ended" ? [{ name, bySubAgent: parent !== null, failed: result?.is_error === true }] : [],
  );
  return { calls, answeredBy: Object.keys(lines.findLast(({ type }) => type === "ended")?.models ?? {}) };
}

const same = (one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>) =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

/** Carries everything over that waits, as the person would. */
async function applyAll(request: ObserveRequest, name: string): Promise<void> {
  const state = realPlace(stateFolder(request.env, request.home));
  const session = namedSession(state, name);
  const input = { state, installation: request.installation, session };
  await reviewSession(
    input,
    () => ({ named: [] }),
    async (open) => void (await open.apply(open.changes)),
  );
}

function forget({ env, home }: ObserveRequest, name: string): void {
  const state = realPlace(stateFolder(env, home));
  removeSession(state, namedSession(state, name));
}

interface Trial {
  readonly request: ObserveRequest;
  readonly profile: string;
  /** What the agent is started with besides the task: a test's way to weaken it. */
  readonly words: readonly string[];
  readonly folder: string;
  readonly model: ScriptedModel;
  readonly decisions: AuditEvent[];
}

function commandOf({ request, model, words }: Trial) {
  const file = realpathSync(path.join(request.installation, "workcell-agent.js"));
  const { command, kit } = agentCommand({
    driver: builtIn,
    program: builtInProgram(realpathSync(process.execPath), file),
    work: { task: everydayTask, output: "json", goesOn: false, asReference: true },
    endpoint: scriptedRoute(model).endpoint,
  });
  const task = command.indexOf("--");
  return { command: [...command.slice(0, task), ...words, ...command.slice(task)], kit };
}

function startAgent(trial: Trial): Promise<RunningCell> {
  const { request, profile, folder, model, decisions } = trial;
  // A session of the person's choice is not worked in.
  const { session: _, workdir: __, ...flags } = request.flags;
  return startCell({
    ...request,
    flags: {
      ...flags,
      ...(profile === "cowork" ? { workdir: `mnt/${path.basename(folder)}` } : {}),
      mounts: [`${folder}:review`],
    },
    routes: [scriptedRoute(model).route],
    ...commandOf(trial),
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.timeout(TIME_MS),
    onEvent: (event) => decisions.push(event),
  });
}

/** What the agent said, how it ended, and what the person's folder then was and became. */
async function watchWork({ request, folder }: Trial, cell: RunningCell, { before, after }: Receipts) {
  try {
    const [output, complaint] = await Promise.all(
      [cell.stdout, cell.stderr].map((stream) => (stream === null ? "" : text(stream))),
    );
    const { exitCode, status, session } = await cell.outcome;
    const untouched = same(readFiles(folder), before);
    if (exitCode === 0) await applyAll(request, session);
    return {
      ...readEvents(output ?? ""),
      ending: exitCode === 0 ? "" : `${status} with ${exitCode}: ${complaint?.slice(-300)}`,
      work: { task: everydayTask, untouched, found: readFiles(folder), expected: after },
    };
  } finally {
    forget(request, cell.plan.session);
  }
}

/** Hands the built-in agent an everyday task in a fresh cell, and watches what it asks, does and leaves. */
export async function observeAgent(
  request: ObserveRequest,
  { profile, words = [] }: { readonly profile: string; readonly words?: readonly string[] },
): Promise<AgentView> {
  const receipts = makeReceipts();
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "workcell-receipts-")));
  const requests: ScriptedRequest[] = [];
  let started: RunningCell | undefined;
  let name = "";
  const model = await startScriptedModel({
    task: everydayScript(),
    onRequest: (asked) => {
      requests.push(asked);
      // By now it is called what it is going to be called.
      if (started !== undefined) name = statusField(started.commandPid, "Name");
    },
  });
  try {
    writeFiles(folder, receipts.before);
    const trial: Trial = { request, profile, words, folder, model, decisions: [] };
    started = await startAgent(trial);
    const inner = innerPid(started.commandPid);
    const worked = await watchWork(trial, started, receipts);
    return {
      process: { name, innerPid: inner, pid: started.commandPid },
      requests: requests.map((one) => ({ ...one, bySubAgent: one.task !== everydayTask })),
      decisions: trial.decisions,
      ...worked,
    };
  } finally {
    await model.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
