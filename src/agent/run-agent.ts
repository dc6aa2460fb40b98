import { randomUUID } from "node:crypto";
import { serveAcp } from "./acp/serve-acp.ts";
import { Driver } from "./driver.ts";
import { type Asked, FlagFault, parseFlags, withoutEffect } from "./flags.ts";
import { makeFrontEnd } from "./front-end.ts";
import { helpText } from "./help.ts";
import type { TurnEnd } from "./loop/events.ts";
import { findSession, isSessionId, transcriptFolder } from "./loop/transcript.ts";
import { makeAgent, modelOf, toolsOf } from "./make-agent.ts";
import { Permissions } from "./permit.ts";
import { Workplace } from "./tools/workplace.ts";
import { unheard } from "./unheard.ts";
import type { World } from "./world.ts";

/** Exit codes beside 0: the work failed, it was interrupted, a call was refused because nobody could be asked. */
const exitCodes = { failed: 1, "max-turns": 1, "max-budget": 1, interrupted: 130 } as const;
const REFUSED = 3;

/** The whole program: reads its words, works, and says with which code to end. */
export async function runAgent(words: readonly string[], world: World): Promise<number> {
  try {
    const asked = parseFlags(words);
    if (asked.has("--version")) return say(world, `${world.version} (Workcell agent)\n`);
    if (asked.has("--help")) return say(world, helpText);
    if (asked.has("--acp")) return await serveAcp(asked, world);
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
  const { agent, setPrompt } = makeAgent({
    ...{ asked, world, place, session, from, emit: front.emit },
    permit: permissions.permit,
    heard: () => driver.heard(),
  });
  front.begin({ agent, permissions, defaultModel: modelOf(asked, world), setPrompt });
  for (const flag of withoutEffect.filter((name) => asked.has(name)))
    world.stderr.write(`workcell-agent: ${flag} is taken and has no effect here\n`);
  const stopped = new Promise<"stopped">((resolve) => {
    world.onSignal((signal) => {
      if (signal !== "SIGINT" || !driver.interrupt()) resolve("stopped");
      // A program that drives it keeps its own count of what it said.
      else if (asked.input !== "stream-json" && driver.forget()) front.emit({ type: "note", text: unheard });
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
