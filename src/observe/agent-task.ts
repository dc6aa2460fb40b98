import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import {
  type AgentDriver,
  type AgentEvent,
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

/** What the agent's lines tell of its calls, and of what answered. */
function readEvents(output: string, { events = () => jsonEvent }: AgentDriver) {
  const eventsOf = events();
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  const all = lines.flatMap((line) => eventsOf(line));
  const calls = all.flatMap((event): AgentCall[] =>
    event.type === "tool-ended"
      ? [{ name: event.name, bySubAgent: event.parent !== null, failed: event.result.is_error === true }]
      : [],
  );
  const answering = all.flatMap((event) => (event.type === "message" ? [event.message.model] : []));
  return { calls, answeredBy: [...new Set(answering)] };
}

/** The built-in agent's lines are its events. */
const jsonEvent = (line: string): readonly AgentEvent[] => [JSON.parse(line) as AgentEvent];

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

const agentOf = ({ agent, installation }: ObserveRequest) =>
  agent ?? {
    driver: builtIn,
    program: builtInProgram(
      realpathSync(process.execPath),
      realpathSync(path.join(installation, "workcell-agent.js")),
    ),
  };

function commandOf({ request, model, words }: Trial) {
  const work = { task: everydayTask, output: "json", goesOn: false, asReference: true } as const;
  const made = agentCommand({ ...agentOf(request), work, endpoint: scriptedRoute(model).endpoint });
  if (words.length === 0) return made;
  const { command, kit } = made;
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
      ...readEvents(output ?? "", agentOf(request).driver),
      ending: exitCode === 0 ? "" : `${status} with ${exitCode}: ${complaint?.slice(-300)}`,
      work: { task: everydayTask, untouched, found: readFiles(folder), expected: after },
    };
  } finally {
    forget(request, cell.plan.session);
  }
}

/** Hands an agent an everyday task in a fresh cell, and watches what it asks, does and leaves. */
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
      title: agentOf(request).driver.title,
      process: { name, innerPid: inner, pid: started.commandPid },
      requests: requests.map((one) => ({ ...one, bySubAgent: !one.task.includes(everydayTask) })),
      decisions: trial.decisions,
      ...worked,
    };
  } finally {
    await model.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
