import { isatty } from "node:tty";
import {
  type AgentDriver,
  type AgentProgram,
  type AgentWork,
  agentCommand,
  permissionModes,
} from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { readSettings, type SettingsFlags } from "../../settings/index.ts";
import { agreedConfig } from "../agent/agreed-config.ts";
import { copyDemonstration, scriptedTask } from "../agent/demonstration.ts";
import { endWork } from "../agent/end-work.ts";
import { findAgentProgram } from "../agent/find-program.ts";
import { checkHosted, isHosted, readHostedWords, readOutput } from "../agent/hosted.ts";
import { type ModelAccess, openModelAccess, SCRIPTED, withScriptedWay } from "../agent/model-access.ts";
import { checkResumed, type Resumed, readResumed } from "../agent/resumed.ts";
import { isGuarded, runTalking } from "../agent/run-talking.ts";
import { type AgentWords, readAgentWords } from "../agent/words.ts";
import { readApplyMode } from "../changes/apply-mode.ts";
import { canAsk } from "../changes/ask.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { type CellWork, checkTerminal, explainWork, runFlags } from "../run-in-cell.ts";
import { readSettingsFlags } from "../settings-flags.ts";

/** What was asked for, before anything is looked up. */
interface Asked extends AgentWords {
  readonly output: AgentWork["output"];
  readonly terminal: boolean;
  readonly settings: SettingsFlags;
  /** The scripted model's own task on its own folder. */
  readonly isDemonstration: boolean;
  /** Flags that the program which drives the agent has for the agent itself. */
  readonly passed: readonly string[];
  readonly resumed: Resumed | undefined;
}

function usage(message: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_USAGE", { message, remedy });
}

function checkPermissionMode(flags: FlagValues, { title, asks = permissionModes }: AgentDriver): void {
  const mode = flags.text("permission-mode");
  if (mode === undefined || asks.includes(mode)) return;
  if (permissionModes.some((known) => known === mode)) {
    throw usage(
      `Cannot have ${title} ask in the way of "${mode}" (flag --permission-mode): it ${asks.length === 0 ? "asks nothing when it works in a cell" : `knows ${asks.join(", ")}`}`,
      asks.length === 0
        ? "Leave the flag out: what it does stays in the cell, and its changes in review"
        : `Write one of: ${asks.join(", ")}`,
    );
  }
  throw usage(
    `Cannot ask for permission in the way of "${printable(mode)}" (flag --permission-mode): there is no such mode`,
    `Write one of: ${permissionModes.join(", ")}`,
  );
}

function readAsked(flags: FlagValues, words: readonly string[], context: CommandContext): Asked {
  const output = readOutput(flags);
  const resumed = readResumed(flags, context);
  const { passed, ...named } = isHosted(output)
    ? readHostedWords(words, resumed?.usual)
    : { ...readAgentWords(words, resumed?.usual), passed: [] };
  const isAsking = flags.has("permission-mode");
  if (resumed !== undefined) checkResumed(resumed, named.driver, { isAsking });
  const given = readSettingsFlags(flags);
  if (isHosted(output)) checkHosted(output, named, flags);
  const isScripted = flags.text("model") === SCRIPTED && named.task === undefined && !isHosted(output);
  const isDemonstration = isScripted && given.mounts.length === 0;
  const task = isScripted ? scriptedTask : named.task;
  const isTerminal = isatty(0) && isatty(1);
  const terminal = flags.has("terminal") || (task === undefined && output === "human" && isTerminal);
  const isTold = task !== undefined || terminal || isHosted(output);
  if (!isTold && named.driver.installed !== undefined) {
    throw usage(
      `Cannot start ${named.driver.title}: there is no task, and no terminal for its own interface`,
      `Name a task: workcell agent ${named.driver.name} -m . "TASK"`,
    );
  }
  checkPermissionMode(flags, named.driver);
  const settings = resumed === undefined ? given : { ...given, session: resumed.session };
  return {
    ...{ driver: named.driver, output, terminal, settings, isDemonstration, passed, resumed },
    ...(task === undefined ? {} : { task }),
  };
}

/** Where the demonstration works: on a fresh copy of its example, where its script looks for it. */
async function settingsOf(
  { settings, isDemonstration }: Asked,
  profile: string,
  context: CommandContext,
): Promise<SettingsFlags> {
  if (!isDemonstration) return settings;
  const folder = copyDemonstration(context);
  return {
    ...settings,
    mounts: [folder],
    ...(profile === "cowork" && settings.workdir === undefined ? { workdir: "mnt/first-task" } : {}),
  };
}

/** What the agent is told to ask for: other agents know no model of the script's name, and `cowork` asks for the reference's. */
function askedModel(flags: FlagValues, { installed }: AgentDriver, profile: string): string | undefined {
  const model = flags.text("model");
  return model === SCRIPTED && (installed !== undefined || profile === "cowork") ? undefined : model;
}

async function workOf(
  flags: FlagValues,
  found: { readonly asked: Asked; readonly program: AgentProgram; readonly access: ModelAccess },
  context: CommandContext,
): Promise<CellWork> {
  const { asked, program, access } = found;
  const { driver, task, output, terminal, resumed } = asked;
  const id = resumed?.conversation?.id;
  const { env, cwd, home } = context;
  const read = (await readSettings({ flags: asked.settings, env, cwd, home })).settings;
  const profile = read.profile.value;
  const settings = await settingsOf(asked, profile, context);
  const config = await agreedConfig(driver, read, context);
  const permissionMode = flags.text("permission-mode");
  const model = askedModel(flags, driver, profile);
  const work: AgentWork = {
    ...(task === undefined ? {} : { task }),
    ...(model === undefined ? {} : { model }),
    ...(permissionMode === undefined ? {} : { permissionMode }),
    output,
    onScreen: terminal,
    isTalked: isTalked(asked, flags),
    goesOn: resumed !== undefined,
    ...(id === undefined ? {} : { conversation: id }),
    passed: asked.passed,
    asReference: profile === "cowork",
    isAgreed: config !== undefined && config.agreed.length > 0,
  };
  return {
    ...agentCommand({ driver, program, work, config, endpoint: access.endpoint }),
    flags: settings,
    routes: [access.route],
    terminal,
    stdio: stdioOf(asked, flags),
  };
}

/** Whether Workcell itself talks with the agent about its task; else the person does, or another program. */
function isTalked({ driver, task, output, terminal, resumed }: Asked, flags: FlagValues): boolean {
  if (task === undefined || terminal || isHosted(output) || driver.talk === undefined) return false;
  const isNamed = resumed?.conversation?.id !== undefined;
  if (resumed !== undefined && driver.resumes === "by name" && !isNamed) return false;
  return output !== "json" || driver.printsLines !== true || flags.has("permission-mode");
}

function stdioOf(asked: Asked, flags: FlagValues): NonNullable<CellWork["stdio"]> {
  if (isTalked(asked, flags) || isGuarded(asked)) return ["pipe", "pipe", "inherit"];
  // An agent that is given its task would else wait for more of it.
  const isFed = asked.driver.installed === undefined || asked.terminal || isHosted(asked.output);
  return [isFed ? "inherit" : "ignore", "inherit", "inherit"];
}

async function runAgent(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const asked = readAsked(flags, words, context);
  checkTerminal(flags);
  const isAsked = flags.text("apply") === undefined && canAsk(context);
  const mode = isAsked ? "ask" : readApplyMode(flags, context);
  const program = findAgentProgram(asked.driver, context);
  const access = await openModelAccess(asked.driver, flags.text("model"), context);
  try {
    const work = await workOf(flags, { asked, program, access }, context);
    if (flags.has("explain")) return await explainWork(flags, work, context);
    const { session } = asked.settings;
    const isAsking = flags.has("permission-mode");
    const talked = { ...asked, session, isAsking, isTalked: isTalked(asked, flags) };
    const ran = await runTalking(flags, { talked, work }, context);
    const { quietHosts = [], quietCalls = [] } = asked.driver;
    const quiet = (what: string) =>
      quietCalls.includes(what) || quietHosts.some((host) => what.startsWith(`connect ${host}:`));
    const { mounts = [] } = work.flags ?? {};
    await endWork(ran, { mode, stays: session !== undefined, mounts, quiet }, context);
    return ran.code;
  } catch (error) {
    throw withScriptedWay(error);
  } finally {
    await access.close();
  }
}

export const agent: Command = {
  name: "agent",
  summary: "hand a task to an agent that works in a cell",
  usage: '[FLAGS] [AGENT] ["TASK"]',
  notes: [
    "AGENT is workcell (the built-in one, when none is named), or claude, codex, gemini or opencode: your own install of it. Without a task its own interface runs in your terminal.",
    "What it changes in a folder waits in a session, as after workcell run, and you are asked at the end whether to apply it.",
  ],
  flags: [
    ...runFlags,
    {
      ...{ name: "model", value: "MODEL", group: "Agent" },
      help: "the model, or scripted: a fixed task, without any account",
    },
    {
      ...{ name: "resume", value: "NAME", group: "Agent" },
      help: "go on with the conversation of this session",
    },
    {
      ...{ name: "permission-mode", value: "MODE", group: "Agent" },
      help: "what is asked before it is done: default, acceptEdits, plan, dontAsk; nothing when not said",
    },
    { name: "json", group: "Output", help: "print what happens as lines of JSON" },
    {
      ...{ name: "acp", group: "Agent" },
      help: "speak the Agent Client Protocol on stdin and stdout, for an editor",
    },
    {
      ...{ name: "stream-json", group: "Agent" },
      help: "speak Claude Code's stream-json on stdin and stdout, for a program",
    },
  ],
  example: 'workcell agent -m . "make the failing test pass"',
  run: runAgent,
};
