import type { AgentEvent, Denial } from "../loop/events.ts";
import type { ModelUse } from "../loop/ledger.ts";
import type { Message, ToolResultBlockParam } from "../model/messages.ts";
import { claudeFailure } from "./claude-failure.ts";

/** What is known of a line of Claude Code's stream-json; it comes out of a cell, so nothing of it is sure to be there. */
interface ClaudeLine {
  readonly type?: unknown;
  readonly subtype?: unknown;
  readonly session_id?: unknown;
  readonly model?: unknown;
  readonly cwd?: unknown;
  readonly parent_tool_use_id?: unknown;
  readonly message?: { readonly model?: unknown; readonly content?: unknown };
  readonly result?: unknown;
  readonly is_error?: unknown;
  readonly duration_ms?: unknown;
  readonly duration_api_ms?: unknown;
  readonly num_turns?: unknown;
  readonly modelUsage?: unknown;
  readonly permission_denials?: unknown;
  readonly error?: unknown;
  readonly attempt?: unknown;
  readonly max_retries?: unknown;
  readonly retry_delay_ms?: unknown;
  readonly api_error_status?: unknown;
  readonly terminal_reason?: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

/** Reads Claude Code's lines as the built-in agent's own events, so that both are shown in one way. */
export function claudeEvents(): (line: string) => readonly AgentEvent[] {
  const names = new Map<string, string>();
  let model = "";
  let error = "";
  return (text) => {
    const line = parsed(text);
    const parent = typeof line.parent_tool_use_id === "string" ? line.parent_tool_use_id : null;
    if (line.type === "system") {
      if (line.subtype === "init") model = textOf(line.model);
      return systemEvents(line);
    }
    if (line.type === "assistant") error = textOf(line.error);
    if (line.type === "assistant") return assistantEvents(line, { parent, names, model });
    if (line.type === "user") return resultEvents(line, { parent, names });
    return line.type === "result" ? [endOf(line, error)] : [];
  };
}

function parsed(text: string): ClaudeLine {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    // A person is better served by a line less than by none at all.
    return {};
  }
}

function systemEvents(line: ClaudeLine): readonly AgentEvent[] {
  if (line.subtype === "init") {
    return [
      {
        ...{ type: "started", session: textOf(line.session_id), model: textOf(line.model) },
        ...{ cwd: textOf(line.cwd), tools: [], permissionMode: "default" },
      },
    ];
  }
  if (line.subtype !== "api_retry") return [];
  return [
    {
      ...{ type: "retry", parent: null, why: textOf(line.error) },
      ...{
        attempt: numberOf(line.attempt),
        of: numberOf(line.max_retries),
        waitMs: numberOf(line.retry_delay_ms),
      },
    },
  ];
}

function assistantEvents(
  { message }: ClaudeLine,
  { parent, names, model }: { parent: string | null; names: Map<string, string>; model: string },
): readonly AgentEvent[] {
  const answering = textOf(message?.model) || model;
  const events = listOf(message?.content).flatMap((block): AgentEvent[] => {
    const [id, name] = [textOf(block["id"]), textOf(block["name"])];
    if (block["type"] === "tool_use") {
      names.set(id, name);
      return [{ type: "tool", id, name, input: block["input"], parent }];
    }
    if (block["type"] !== "text") return [];
    const delta = { type: "text_delta", text: textOf(block["text"]) } as const;
    return [
      { type: "stream", event: { type: "content_block_delta", index: 0, delta }, parent },
      { type: "stream", event: { type: "content_block_stop", index: 0 }, parent },
    ];
  });
  // Of the message only who answered is shown.
  const whole = { model: answering, content: [] } as unknown as Message;
  return [...(answering === "" ? [] : [{ type: "message" as const, message: whole, parent }]), ...events];
}

function resultEvents(
  { message }: ClaudeLine,
  { parent, names }: { parent: string | null; names: ReadonlyMap<string, string> },
): readonly AgentEvent[] {
  return listOf(message?.content).flatMap((block): AgentEvent[] => {
    if (block["type"] !== "tool_result") return [];
    const id = textOf(block["tool_use_id"]);
    const content =
      typeof block["content"] === "string"
        ? block["content"]
        : listOf(block["content"]).map((part) => ({ type: "text" as const, text: textOf(part["text"]) }));
    const result: ToolResultBlockParam = {
      ...{ type: "tool_result", tool_use_id: id, content, is_error: block["is_error"] === true },
    };
    return [{ type: "tool-ended", id, name: names.get(id) ?? "", ms: 0, result, parent }];
  });
}

function endOf(line: ClaudeLine, error: string): AgentEvent {
  const models = Object.entries(fieldsOf(line.modelUsage)).map(([name, use]): [string, ModelUse] => {
    const of = fieldsOf(use);
    return [
      name,
      {
        tokens: {
          input_tokens: numberOf(of["inputTokens"]),
          output_tokens: numberOf(of["outputTokens"]),
          cache_read_input_tokens: numberOf(of["cacheReadInputTokens"]),
          cache_creation_input_tokens: numberOf(of["cacheCreationInputTokens"]),
        },
        costUsd: numberOf(of["costUSD"]),
      },
    ];
  });
  const denials = listOf(line.permission_denials).map(
    (one): Denial => ({
      ...{ id: textOf(one["tool_use_id"]), name: textOf(one["tool_name"]), input: one["tool_input"] },
      why: "nobody could be asked",
    }),
  );
  const text = textOf(line.result);
  const status = line.api_error_status;
  const failure = claudeFailure({
    text,
    status: typeof status === "number" ? status : undefined,
    words: [error, textOf(line.terminal_reason)],
  });
  // A turn that was stopped ends so, in newer versions as an error.
  const isStopped = line.subtype === "error_during_execution";
  const isFailed = line.is_error === true && !isStopped;
  return {
    ...{ type: "ended", status: isStopped ? "interrupted" : isFailed ? "failed" : "done", text, denials },
    ...{
      turns: numberOf(line.num_turns),
      ms: numberOf(line.duration_ms),
      modelMs: numberOf(line.duration_api_ms),
    },
    models: Object.fromEntries(models),
    ...(isFailed ? { failure } : {}),
  };
}
