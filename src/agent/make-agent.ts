import type { Asked } from "./flags.ts";
import { Agent, type AgentLimits } from "./loop/agent.ts";
import { readContext, type Source } from "./loop/context.ts";
import { Conversation } from "./loop/conversation.ts";
import { delegateWith } from "./loop/delegate.ts";
import type { AgentEvent } from "./loop/events.ts";
import { Ledger } from "./loop/ledger.ts";
import type { Permit } from "./loop/make-calls.ts";
import { systemPrompt } from "./loop/system-prompt.ts";
import { openTranscript, transcriptFolder } from "./loop/transcript.ts";
import { makeClient } from "./model/client.ts";
import type { ContentBlockParam, TextBlockParam } from "./model/messages.ts";
import { allTools } from "./tools/all-tools.ts";
import type { Workplace } from "./tools/workplace.ts";
import type { World } from "./world.ts";

const DEFAULT_MODEL = "claude-opus-4-5-20251101";
const OUTPUT_TOKENS = 32_000;

/** The model that is asked for. */
export function modelOf(asked: Asked, { env }: Pick<World, "env">): string {
  return asked.value("--model") ?? (env["ANTHROPIC_MODEL"] || DEFAULT_MODEL);
}

/** The tools that the command line leaves. */
export function toolsOf({ tools }: Asked) {
  if (tools === undefined || tools.includes("default")) return allTools;
  return allTools.filter(({ name }) => tools.includes(name));
}

/** What an agent is made of, beside the command line and its surroundings. */
export interface AgentMakings {
  readonly asked: Asked;
  readonly world: Pick<World, "env" | "cwd">;
  readonly place: Workplace;
  readonly permit: Permit;
  /** What the person has said since it was last asked. */
  readonly heard: () => readonly ContentBlockParam[];
  readonly session: string;
  /** The conversation that is gone on with. */
  readonly from: string | undefined;
  readonly emit: (event: AgentEvent) => void;
}

/** A host's own words in the prompt: instead of Workcell's, or after them. */
export interface PromptWords {
  readonly replaced?: string | undefined;
  readonly appended?: string | undefined;
}

export interface Made {
  readonly agent: Agent;
  readonly conversation: Conversation;
  readonly setPrompt: (words: PromptWords) => void;
}

/** Makes the agent that the command line asks for, with what an earlier conversation holds. */
export function makeAgent(parts: AgentMakings): Made {
  const { asked, world, place, permit, heard, session, from, emit } = parts;
  const model = modelOf(asked, world);
  const prompt = new Prompt(asked, world);
  const common = {
    ...{
      client: makeClient(world.env),
      model,
      tools: toolsOf(asked),
      place,
      permit,
      emit,
    },
    ledger: new Ledger(),
    denials: [],
    limits: limitsOf(asked, world),
  };
  const onTrouble = (text: string) => emit({ type: "note", text });
  const isKept = !asked.has("--no-session-persistence");
  const kept = {
    folder: transcriptFolder(world.env),
    session,
    onTrouble,
    ...(from === undefined ? {} : { from }),
  };
  const conversation = new Conversation(isKept ? openTranscript(kept) : undefined);
  const agent = new Agent({
    ...common,
    system: () => prompt.text({ isSubAgent: false }),
    conversation,
    parent: null,
    delegate: delegateWith({ ...common, system: () => prompt.text({ isSubAgent: true }) }),
    heard,
  });
  return { agent, conversation, setPrompt: (words) => prompt.set(words) };
}

/** Tokens of one answer. */
export function outputTokensOf({ env }: Pick<World, "env">): number {
  return Number(env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] || OUTPUT_TOKENS);
}

function limitsOf(asked: Asked, world: Pick<World, "env">): AgentLimits {
  return {
    maxTurns: asked.maxTurns,
    contextTokens: asked.contextTokens,
    outputTokens: outputTokensOf(world),
    thinkingTokens: asked.thinkingTokens,
    ...(asked.maxCostUsd === undefined ? {} : { maxCostUsd: asked.maxCostUsd }),
  };
}

/** What the model is told before the conversation; a host may set its words later than the command line does. */
class Prompt {
  readonly #fixed: Pick<Parameters<typeof systemPrompt>[0], "cwd" | "model" | "context" | "today">;
  #words: PromptWords;

  constructor(asked: Asked, world: Pick<World, "env" | "cwd">) {
    const sources = (asked.value("--setting-sources") ?? "user,project")
      .split(",")
      .filter((name): name is Source => name === "user" || name === "project");
    const { cwd, env } = world;
    const context = readContext({ cwd, env, sources, pluginFolders: asked.list("--plugin-dir") });
    const today = new Date().toISOString().slice(0, 10);
    this.#fixed = { cwd, context, today, model: modelOf(asked, world) };
    this.#words = {
      replaced: asked.value("--system-prompt"),
      appended: asked.value("--append-system-prompt"),
    };
  }

  set(words: PromptWords): void {
    this.#words = { ...this.#words, ...words };
  }

  text({ isSubAgent }: { readonly isSubAgent: boolean }): TextBlockParam[] {
    const { replaced, appended } = this.#words;
    return systemPrompt({
      ...this.#fixed,
      isSubAgent,
      appended,
      replaced: isSubAgent ? undefined : replaced,
    });
  }
}
