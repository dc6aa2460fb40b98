import { randomUUID } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { Driver } from "./driver.ts";
import { type Asked, FlagFault, parseFlags, withoutEffect } from "./flags.ts";
import { makeFrontEnd } from "./front-end.ts";
import { helpText } from "./help.ts";
import { Agent } from "./loop/agent.ts";
import { readContext, type Source } from "./loop/context.ts";
import { Conversation } from "./loop/conversation.ts";
import { delegateWith } from "./loop/delegate.ts";
import type { AgentEvent, TurnEnd } from "./loop/events.ts";
import { Ledger } from "./loop/ledger.ts";
import { systemPrompt } from "./loop/system-prompt.ts";
import { findSession, isSessionId, openTranscript, transcriptFolder } from "./loop/transcript.ts";
import { makeClient } from "./model/client.ts";
import { Permissions } from "./permit.ts";
import { allTools } from "./tools/all-tools.ts";
import { Workplace } from "./tools/workplace.ts";

/** What the program runs with; a test brings its own. */
export interface World {
  readonly version: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Calls back when the person interrupts, and when the program is to end. */
  readonly onSignal: (heard: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void) => void;
}

const DEFAULT_MODEL = "claude-opus-4-5-20251101";
const OUTPUT_TOKENS = 32_000;

/** Exit codes beside 0: the work failed, it was interrupted, a call was refused because nobody could be asked. */
const exitCodes = { failed: 1, "max-turns": 1, interrupted: 130 } as const;
const REFUSED = 3;

/** The whole program: reads its words, works, and says with which code to end. */
export async function runAgent(words: readonly string[], world: World): Promise<number> {
  try {
    const asked = parseFlags(words);
    if (asked.has("--version")) return say(world, `${world.version} (Workcell agent)\n`);
    if (asked.has("--help")) return say(world, helpText);
    return await work(asked, world);
  } catch (error) {
    if (!(error instanceof FlagFault)) throw error;
    world.stderr.write(`workcell-agent: ${error.message}\n  remedy: See workcell-agent --help\n`);
    return 1;
  }
}

function say({ stdout }: World, text: string): number {
  stdout.write(text);
  return 0;
}

async function work(asked: Asked, world: World): Promise<number> {
  const place = new Workplace(world.cwd, world.env);
  const driver = new Driver();
  const { session, from } = sessionOf(asked, world);
  const front = makeFrontEnd({ asked, world, driver, session });
  const permissions = new Permissions(
    { mode: asked.mode, allow: asked.list("--allowed-tools"), deny: asked.list("--disallowed-tools") },
    front.askers,
  );
  const agent = makeAgent({ asked, world, place, driver, permissions, session, from, emit: front.emit });
  front.begin({ agent, permissions, defaultModel: modelOf(asked, world) });
  for (const flag of withoutEffect.filter((name) => asked.has(name)))
    world.stderr.write(`workcell-agent: ${flag} is taken and has no effect here\n`);
  const stopped = new Promise<"stopped">((resolve) => {
    world.onSignal((signal) => {
      if (signal !== "SIGINT" || !driver.interrupt()) resolve("stopped");
    });
    front.onGone(() => resolve("stopped"));
  });
  const tools = toolsOf(asked).map(({ name }) => name);
  const begun = () =>
    front.emit({
      type: "started",
      session,
      model: modelOf(asked, world),
      cwd: place.cwd,
      tools,
      permissionMode: permissions.mode,
    });
  const ended = (end: TurnEnd) => {
    front.emit({ type: "ended", ...end });
    front.turnEnded(end);
  };
  try {
    const end = await Promise.race([driver.run(agent, { begun, ended }), stopped]);
    return codeFor(end, front.canAsk);
  } finally {
    driver.interrupt();
    place.close();
    front.close();
  }
}

function codeFor(end: TurnEnd | "stopped" | undefined, canAsk: boolean): number {
  if (end === "stopped") return exitCodes.interrupted;
  if (end === undefined) return canAsk ? 0 : exitCodes.failed;
  if (end.status !== "done") return exitCodes[end.status];
  return end.denials.length > 0 && !canAsk ? REFUSED : 0;
}

function modelOf(asked: Asked, { env }: World): string {
  return asked.value("--model") ?? (env["ANTHROPIC_MODEL"] || DEFAULT_MODEL);
}

function toolsOf({ tools }: Asked) {
  if (tools === undefined || tools.includes("default")) return allTools;
  return allTools.filter(({ name }) => tools.includes(name));
}

function sessionOf(
  asked: Asked,
  world: World,
): { readonly session: string; readonly from: string | undefined } {
  const named = asked.value("--session-id") ?? randomUUID();
  if (!isSessionId(named))
    throw new FlagFault(
      `The session id "${named}" cannot be one: letters, digits, "-", "_" and "." are allowed.`,
    );
  const resumed = asked.value("--resume");
  if (resumed === undefined && !asked.has("--continue")) return { session: named, from: undefined };
  const from = findSession(transcriptFolder(world.env), resumed);
  if (from === undefined && resumed !== undefined)
    throw new FlagFault(`No conversation is kept under the session id "${resumed}".`);
  return { session: asked.has("--fork-session") || from === undefined ? named : from, from };
}

function makeAgent(parts: {
  readonly asked: Asked;
  readonly world: World;
  readonly place: Workplace;
  readonly driver: Driver;
  readonly permissions: Permissions;
  readonly session: string;
  readonly from: string | undefined;
  readonly emit: (event: AgentEvent) => void;
}): Agent {
  const { asked, world, place, driver, permissions, session, from, emit } = parts;
  const model = modelOf(asked, world);
  const sources = (asked.value("--setting-sources") ?? "user,project")
    .split(",")
    .filter((name): name is Source => name === "user" || name === "project");
  const context = readContext({
    cwd: world.cwd,
    env: world.env,
    sources,
    pluginFolders: asked.list("--plugin-dir"),
  });
  const today = new Date().toISOString().slice(0, 10);
  const prompt = { cwd: world.cwd, model, context, today, appended: asked.value("--append-system-prompt") };
  const common = {
    ...{
      client: makeClient(world.env),
      model,
      tools: toolsOf(asked),
      place,
      permit: permissions.permit,
      emit,
    },
    ledger: new Ledger(),
    denials: [],
    limits: {
      maxTurns: asked.maxTurns,
      contextTokens: asked.contextTokens,
      outputTokens: Number(world.env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] || OUTPUT_TOKENS),
      thinkingTokens: asked.thinkingTokens,
    },
  };
  const onTrouble = (text: string) => emit({ type: "note", text });
  const isKept = !asked.has("--no-session-persistence");
  const kept = {
    folder: transcriptFolder(world.env),
    session,
    onTrouble,
    ...(from === undefined ? {} : { from }),
  };
  return new Agent({
    ...common,
    system: systemPrompt({ ...prompt, replaced: asked.value("--system-prompt") }),
    conversation: new Conversation(isKept ? openTranscript(kept) : undefined),
    parent: null,
    delegate: delegateWith({ ...common, system: systemPrompt({ ...prompt, isSubAgent: true }) }),
    heard: () => driver.heard(),
  });
}
