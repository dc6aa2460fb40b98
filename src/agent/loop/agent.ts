import { shortLine } from "../../lib/short-line.ts";
import type { ModelClient } from "../model/client.ts";
import type { BrokenInputs } from "../model/gather.ts";
import type { ContentBlockParam, Request, TextBlockParam, ToolUseBlock } from "../model/messages.ts";
import { ModelFailure } from "../model/model-failure.ts";
import { contextOf, tokensOf } from "../model/usage.ts";
import { type Delegate, schemaOf, type Tool } from "../tools/tool.ts";
import type { Workplace } from "../tools/workplace.ts";
import { restartWith, summaryRequest, withoutAttachments, withoutLongResults } from "./compact.ts";
import type { Conversation } from "./conversation.ts";
import type { AgentEvent, Denial, TurnEnd } from "./events.ts";
import { Ledger, totalOf } from "./ledger.ts";
import { makeCalls, type Permit } from "./make-calls.ts";

export interface AgentParts {
  readonly client: ModelClient;
  readonly model: string;
  /** What the model is told before the conversation, as it stands at each request. */
  readonly system: () => readonly TextBlockParam[];
  readonly tools: readonly Tool[];
  readonly place: Workplace;
  readonly conversation: Conversation;
  readonly permit: Permit;
  readonly emit: (event: AgentEvent) => void;
  readonly limits: AgentLimits;
  /** The Task call that this agent is for; `null`: the agent itself. */
  readonly parent: string | null;
  readonly ledger?: Ledger;
  /** Calls that were refused in this turn, its sub-agents' too. */
  readonly denials?: Denial[];
  readonly delegate?: Delegate;
  /** What the person has said since it was last asked. */
  readonly heard?: () => readonly ContentBlockParam[];
}

export interface AgentLimits {
  /** Answers of the model in one turn. */
  readonly maxTurns: number;
  /** Tokens that the model can hold. */
  readonly contextTokens: number;
  /** Tokens of one answer. */
  readonly outputTokens: number;
  /** Tokens of an answer that the model may think with (0: it does not). */
  readonly thinkingTokens: number;
  /** US dollars at list prices that a session may cost; absent: any. */
  readonly maxCostUsd?: number;
}

/** An agent: a model, its tools, and the conversation between them. One turn at a time. */
export class Agent {
  readonly #parts: AgentParts;
  readonly #ledger: Ledger;
  #model: string;
  #contextTokens = 0;
  readonly #denials: Denial[];

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger ?? new Ledger();
    this.#denials = parts.denials ?? [];
    this.#model = parts.model;
  }

  /** From the next request on. */
  set model(model: string) {
    this.#model = model;
  }

  /** One turn: from what the person says until the model has nothing more to do. */
  async turn(content: readonly ContentBlockParam[], interrupt: AbortController): Promise<TurnEnd> {
    const begun = performance.now();
    const { conversation } = this.#parts;
    conversation.say(content);
    if (this.#parts.parent === null) this.#denials.length = 0;
    let turns = 0;
    let text = "";
    const end = (status: TurnEnd["status"], failure?: TurnEnd["failure"]): TurnEnd => ({
      ...{ status, text, turns, ms: performance.now() - begun, modelMs: this.#ledger.modelMs },
      ...{
        models: this.#ledger.models,
        denials: [...this.#denials],
        ...(failure === undefined ? {} : { failure }),
      },
    });
    try {
      while (turns < this.#parts.limits.maxTurns) {
        if (this.#isSpent()) return end("max-budget");
        turns += 1;
        const step = await this.#step(interrupt);
        text = step.text || text;
        if (interrupt.signal.aborted) return this.#interrupted(end);
        if (!step.goesOn) return end("done");
      }
      return end("max-turns");
    } catch (error) {
      if (!(error instanceof ModelFailure)) throw error;
      if (error.kind === "interrupted") return this.#interrupted(end);
      const { kind, message, remedy } = error;
      return end("failed", { kind, message, remedy });
    }
  }

  #isSpent(): boolean {
    const { maxCostUsd } = this.#parts.limits;
    if (maxCostUsd === undefined) return false;
    const { costUsd } = totalOf(this.#ledger.models);
    // What nobody knows the price of cannot be kept below one.
    return costUsd === undefined || costUsd >= maxCostUsd;
  }

  #interrupted(end: (status: TurnEnd["status"]) => TurnEnd): TurnEnd {
    this.#parts.conversation.say([{ type: "text", text: "[The person interrupted the work here]" }]);
    return end("interrupted");
  }

  /** One answer of the model, with the calls that it asks for. */
  async #step(interrupt: AbortController): Promise<{ readonly text: string; readonly goesOn: boolean }> {
    const { conversation, place, heard = () => [], limits } = this.#parts;
    const { signal } = interrupt;
    const room = Math.min(limits.outputTokens, limits.contextTokens / 4) + limits.contextTokens / 20;
    if (this.#contextTokens > limits.contextTokens - room) await this.#compact("full", signal);
    const { message, brokenInputs } = await this.#askOrCompact(signal);
    conversation.answer(message.content);
    const calls = message.content.filter((block): block is ToolUseBlock => block.type === "tool_use");
    const text = message.content
      .flatMap((block) => (block.type === "text" ? [block.text] : []))
      .join("\n")
      .trim();
    const results = await this.#make(calls, brokenInputs, interrupt);
    const ended = place.shells.takeFinished().map((line) => ({ type: "text" as const, text: `[${line}]` }));
    // What is said once the turn is to stop begins the next one.
    const more = signal.aborted ? [] : [...heard()];
    if (more.length > 0) this.#parts.emit({ type: "said", content: more, parent: this.#parts.parent });
    if (calls.length > 0 || more.length > 0) conversation.say([...results, ...ended, ...more]);
    else if (message.stop_reason === "max_tokens")
      conversation.say([
        { type: "text", text: "[Your answer reached its longest length. Go on where it stopped.]" },
      ]);
    else if (message.stop_reason !== "pause_turn") return { text, goesOn: false };
    return { text, goesOn: true };
  }

  #make(calls: readonly ToolUseBlock[], broken: BrokenInputs, interrupt: AbortController) {
    const { tools, place, permit, emit, parent, delegate } = this.#parts;
    const parts = {
      ...{ tools, place, permit, emit, parent, ...(delegate === undefined ? {} : { delegate }) },
      onDenied: (denial: Denial) => this.#denials.push(denial),
      interrupt: () => interrupt.abort(),
    };
    return makeCalls(calls, { parts, broken, signal: interrupt.signal });
  }

  async #askOrCompact(signal: AbortSignal) {
    try {
      return await this.#ask(this.#request(this.#parts.conversation.marked()), signal);
    } catch (error) {
      if (error instanceof ModelFailure && error.kind === "refused")
        return await this.#askWithoutAttachments(error, signal);
      if (!(error instanceof ModelFailure) || error.kind !== "too-long") throw error;
      await this.#compact("refused", signal);
      return await this.#ask(this.#request(this.#parts.conversation.marked()), signal);
    }
  }

  /** What is no picture but says that it is one would be refused with every further request, and the conversation be lost. */
  async #askWithoutAttachments(failure: ModelFailure, signal: AbortSignal) {
    const { conversation, emit } = this.#parts;
    const messages = withoutAttachments(conversation.messages);
    if (messages === undefined) throw failure;
    const gathered = await this.#ask(this.#request(messages), signal);
    conversation.restart(messages);
    emit({ type: "note", text: `Pictures and documents are left out: ${shortLine(failure.message)}` });
    return gathered;
  }

  #request(messages: Request["messages"]): Request {
    const { system, tools, limits } = this.#parts;
    const { thinkingTokens: budget } = limits;
    return {
      model: this.#model,
      max_tokens: Math.max(limits.outputTokens, budget + 1024),
      system: [...system()],
      ...(tools.length === 0 ? {} : { tools: tools.map(wireTool) }),
      messages,
      ...(budget >= 1024 ? { thinking: { type: "enabled", budget_tokens: budget } } : {}),
    };
  }

  async #ask(request: Request, signal: AbortSignal) {
    const { client, emit, parent } = this.#parts;
    const begun = performance.now();
    const gathered = await client.ask(request, {
      signal,
      onEvent: (event) => emit({ type: "stream", event, parent }),
      onRetry: (retry) => emit({ type: "retry", ...retry, parent }),
    });
    const tokens = tokensOf(gathered.message.usage);
    // What answered, and not what was asked for: that is what is paid.
    this.#ledger.count(gathered.message.model, tokens, performance.now() - begun);
    this.#contextTokens = contextOf(tokens);
    emit({ type: "message", message: gathered.message, parent });
    return gathered;
  }

  /** Has the model sum the conversation up, and goes on from the summary. */
  async #compact(why: "full" | "refused", signal: AbortSignal): Promise<void> {
    const { conversation, emit, parent, client } = this.#parts;
    emit({ type: "compacted", tokensBefore: this.#contextTokens, why, parent });
    const before = why === "full" ? conversation.messages : withoutLongResults(conversation.messages);
    const last = before.at(-1);
    const ask = [{ type: "text" as const, text: summaryRequest }];
    const messages =
      last?.role === "user"
        ? [...before.slice(0, -1), { role: last.role, content: [...contentOf(last.content), ...ask] }]
        : [...before, { role: "user" as const, content: ask }];
    const begun = performance.now();
    const { message } = await client.ask(
      {
        ...this.#request(messages),
        ...(this.#parts.tools.length === 0 ? {} : { tool_choice: { type: "none" } }),
      },
      { signal, onEvent: () => {}, onRetry: (retry) => emit({ type: "retry", ...retry, parent }) },
    );
    this.#ledger.count(message.model, tokensOf(message.usage), performance.now() - begun);
    const summary = message.content
      .flatMap((block) => (block.type === "text" ? [block.text] : []))
      .join("\n");
    conversation.restart(restartWith(summary));
    this.#contextTokens = 0;
  }
}

const wireTool = ({ name, description, fields }: Tool) => ({
  name,
  description,
  input_schema: schemaOf(fields),
});

const contentOf = (content: string | ContentBlockParam[]): ContentBlockParam[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;
