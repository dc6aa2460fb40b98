import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { type CommandStdio, launchCell, type Running } from "../launch/index.ts";
import { cacheFolder } from "../lib/xdg-folders.ts";
import type {
  AuditEvent,
  AuditLine,
  Denial,
  HostFacts,
  Outcome,
  Plan,
  Policy,
  Settings,
} from "../model/index.ts";
import { buildPlan, caVariables, optionalPaths, planFolders } from "../plan/index.ts";
import { buildPolicy } from "../policy/index.ts";
import { probeHost } from "../probe/index.ts";
import { readSettings, type SettingsFlags } from "../settings/index.ts";
import { supervise } from "../supervise/index.ts";
import { prepareCell, recordPlan } from "./prepare-cell.ts";
import { imagineSession, type OpenSession, openSession, ownFolders } from "./store.ts";

/** What is asked for: a command in a cell. */
export interface RunRequest {
  readonly flags: SettingsFlags;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  /** Where Workcell is installed: the folder with `native/cellhost`. */
  readonly installation: string;
  readonly command: readonly string[];
  readonly stdio: CommandStdio;
  /** Give the command a terminal of its own, joined to ours; needs stdin and stdout to be one. */
  readonly terminal?: boolean;
  /** Cancels the command. */
  readonly signal?: AbortSignal;
  /** What is asked for can be done, as far as is known before anything is started or written. */
  onDecided?(settings: Settings): void;
  onNotice?(line: string): void;
  onEvent?(event: AuditEvent): void;
  onDenial?(denial: Denial): void;
  /** Lines as they were written to the audit log. */
  onAudit?(lines: readonly AuditLine[]): void;
}

/** A cell whose command runs. */
export interface RunningCell {
  readonly plan: Plan;
  readonly facts: HostFacts;
  /** PID 1 of the cell as the host numbers it. */
  readonly hostPid: number;
  /** The command's process, likewise. */
  readonly commandPid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Sends a signal to the command; false when it has ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** Resolves when nothing of the cell is alive and its records are written. */
  readonly outcome: Promise<Outcome>;
}

interface Decided {
  readonly settings: Settings;
  readonly facts: HostFacts;
  readonly policy: Policy;
}

type DecideRequest = Omit<RunRequest, "command" | "stdio"> & {
  /** False: what the host's tools answer is not kept for the next time. */
  readonly keepAnswers?: boolean;
};

/** settings -> policy -> facts. Writes nothing but the cache of what the host's tools answered. */
export async function decide(request: DecideRequest): Promise<Decided> {
  const { env, cwd, home } = request;
  const { settings, notices } = await readSettings(request);
  for (const notice of notices) request.onNotice?.(notice);
  const native = (name: string) => path.join(request.installation, "native", name);
  const questions = {
    env,
    cwd,
    home,
    cellhost: native("cellhost"),
    cellinit: native("cellinit"),
    mounts: settings.mounts,
    caVariables,
    paths: optionalPaths,
  };
  const facts = probeHost({ ...questions, presets: [] });
  const policy = checkedPolicy(settings, facts);
  if (settings.presets.length === 0) return { settings, facts, policy };
  // Tools of the host are asked only when nothing else stands in the way.
  const asked = probeHost({ ...questions, presets: await askHost(settings, request) });
  return { settings, facts: asked, policy: checkedPolicy(settings, asked) };
}

/** The policy, once the plan would take its folders: by then there would be a session to take away again. */
function checkedPolicy(settings: Settings, facts: HostFacts): Policy {
  const policy = buildPolicy(settings, facts);
  planFolders({ settings, policy, facts, home: "/sessions/unnamed", ...ownFolders(facts) });
  return policy;
}

async function askHost(settings: Settings, request: DecideRequest) {
  const { askPresets } = await import("../probe/index.ts");
  const { env, home } = request;
  return askPresets({
    presets: settings.presets.map((preset) => preset.value),
    env,
    home,
    cacheFolder: cacheFolder(env, home),
    keep: request.keepAnswers ?? true,
    exclude: writableFolders(settings, request),
  });
}

/**
 * What this cell may write to, and where the person works, which an earlier one may have been connected to. A home
 * is never connected as a whole, and holds the tools of version managers.
 */
function writableFolders(settings: Settings, { cwd, home }: Pick<RunRequest, "cwd" | "home">): string[] {
  const connected = settings.mounts.map(({ value }) => path.resolve(cwd, value.source));
  return cwd === home ? connected : [cwd, ...connected];
}

/** The plan of a run that does not happen, for `--explain`. */
export async function explainRun(
  request: Omit<RunRequest, "stdio">,
): Promise<{ plan: Plan; policy: Policy }> {
  const { settings, facts, policy } = await decide({ ...request, keepAnswers: false });
  const session = imagineSession({ settings, host: facts });
  return {
    plan: buildPlan({ settings, policy, facts, session, ...ownFolders(facts), command: request.command }),
    policy,
  };
}

/**
 * Starts a command in a cell of its own: the whole line from a request to a sealed, proxied, running command.
 * Resolves once the command runs. Throws WorkcellError when it cannot; then nothing of it is left.
 */
export async function startCell(request: RunRequest): Promise<RunningCell> {
  const { settings, facts, policy } = await decide(request);
  request.onDecided?.(settings);
  const session = openSession({ settings, host: facts });
  try {
    const input = {
      settings,
      policy,
      facts,
      session: session.facts,
      ...ownFolders(facts),
      command: request.command,
      terminal: request.terminal ?? false,
    };
    const plan = buildPlan(input);
    prepareCell(plan, session);
    const startedAt = performance.now();
    // bwrap builds the cell while Workcell opens the gate; the command waits for both.
    const running = launchCell(plan, request.stdio, session.cellFolder);
    return await finishStart({ request, facts, policy, plan, session, running, startedAt });
  } catch (error) {
    session.abandon();
    throw error;
  }
}

interface Started {
  readonly request: RunRequest;
  readonly facts: HostFacts;
  readonly policy: Policy;
  readonly plan: Plan;
  readonly session: OpenSession;
  readonly running: Running;
  readonly startedAt: number;
}

async function finishStart(started: Started): Promise<RunningCell> {
  const { request, facts, plan, session, running } = started;
  const denials: Denial[] = [];
  let closeRecords = async () => {};
  try {
    const { openRecords } = await import("./cell-records.ts");
    recordPlan(plan, session);
    const records = await openRecords(started, denials);
    closeRecords = () => records.close();
    await running.ready;
    const how = {
      command: plan.command[0] ?? "",
      ...(plan.timeoutMs === undefined ? {} : { timeoutMs: plan.timeoutMs }),
      ...(request.signal === undefined ? {} : { cancel: request.signal }),
    };
    const supervised = supervise(running, how);
    return {
      plan,
      facts,
      ...(running.pids() ?? { hostPid: 0, commandPid: 0 }),
      stdin: running.stdin,
      stdout: running.stdout,
      stderr: running.stderr,
      kill: (signal) => running.signal(signal),
      outcome: supervised.then(async ({ ending, record }) => {
        try {
          await records.refuse(record.refused);
          await records.close();
          return recordOutcome(started, {
            schema: "workcell.outcome/1",
            ...ending,
            durationMs: Math.round(performance.now() - started.startedAt),
            resources: record.used ?? { cpuMs: null, maxRssBytes: null },
            denials,
            weaker: plan.weaker,
            session: plan.session,
            cell: plan.cell,
          });
        } finally {
          session.close();
        }
      }),
    };
  } catch (error) {
    running.kill();
    await running.ended;
    // What still listens would keep Workcell alive for ever.
    await closeRecords();
    throw error;
  }
}

/** Keeps the outcome among the session's records. The command has its exit code, whether that can be done or not. */
function recordOutcome({ request, session }: Started, outcome: Outcome): Outcome {
  const file = path.join(session.cellFolder, "outcome.json");
  try {
    writeFileSync(file, `${JSON.stringify(outcome)}\n`, { mode: 0o600 });
  } catch (error) {
    request.onNotice?.(`Cannot write the outcome: ${error instanceof Error ? error.message : String(error)}`);
  }
  return outcome;
}

/** Runs a command in a cell and resolves to how it ended. */
export async function runOnce(request: RunRequest): Promise<Outcome> {
  const cell = await startCell(request);
  return cell.outcome;
}
