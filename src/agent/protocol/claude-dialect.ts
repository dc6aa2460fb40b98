import { randomUUID } from "node:crypto";
import type { AgentEvent, TurnEnd } from "../loop/events.ts";
import { totalOf } from "../loop/ledger.ts";

export interface DialectOptions {
  readonly version: string;
  readonly partial: boolean;
  readonly replay: boolean;
  readonly apiKeySource: string;
  readonly contextTokens: number;
  readonly outputTokens: number;
  readonly skills: readonly string[];
}

/** Says the agent's events in Claude Code's stream-json, a line each. */
export function claudeView(
  write: (message: object) => void,
  options: DialectOptions,
): (event: AgentEvent) => void {
  let session = "";
  const put = (message: object) => write({ ...message, session_id: session, uuid: randomUUID() });
  return (event) => {
    if (event.type === "started") {
      session = event.session;
      put(initOf(event, options));
    } else if (event.type === "stream") {
      if (options.partial)
        put({ type: "stream_event", event: event.event, parent_tool_use_id: event.parent });
    } else if (event.type === "message") {
      // One line for each part, as the original has it.
      for (const part of event.message.content)
        put({
          type: "assistant",
          message: { ...event.message, content: [part] },
          parent_tool_use_id: event.parent,
        });
    } else if (event.type === "tool-ended") {
      const message = { role: "user", content: [event.result] };
      put({ type: "user", message, parent_tool_use_id: event.parent });
    } else if (event.type === "said") {
      if (options.replay)
        put({
          ...{ type: "user", message: { role: "user", content: event.content }, isReplay: true },
          parent_tool_use_id: event.parent,
        });
    } else if (event.type === "compacted") {
      const compact_metadata = { trigger: "auto", pre_tokens: event.tokensBefore };
      put({ type: "system", subtype: "compact_boundary", compact_metadata });
    } else if (event.type === "retry") {
      const { attempt, of: max_retries, waitMs: retry_delay_ms, why: error } = event;
      put({ type: "system", subtype: "api_retry", attempt, max_retries, retry_delay_ms, error });
    } else if (event.type === "ended") put(resultOf(event, options));
  };
}

function initOf(event: Extract<AgentEvent, { type: "started" }>, options: DialectOptions): object {
  return {
    type: "system",
    subtype: "init",
    cwd: event.cwd,
    tools: event.tools,
    mcp_servers: [],
    model: event.model,
    permissionMode: event.permissionMode,
    slash_commands: [],
    apiKeySource: options.apiKeySource,
    claude_code_version: options.version,
    output_style: "default",
    agents: ["general-purpose", "Explore"],
    skills: options.skills,
    plugins: [],
  };
}

/** The turn's end; what failed at the model is a success with an error in it, as the original has it. */
export function resultOf(
  end: TurnEnd,
  { contextTokens, outputTokens }: Pick<DialectOptions, "contextTokens" | "outputTokens">,
): object {
  const { tokens, costUsd } = totalOf(end.models);
  const subtypes = {
    done: "success",
    failed: "success",
    interrupted: "error_during_execution",
    "max-turns": "error_max_turns",
    "max-budget": "error_max_budget_usd",
  };
  const isSuccess = subtypes[end.status] === "success";
  const modelUsage = Object.entries(end.models).map(([model, use]) => [
    model,
    {
      inputTokens: use.tokens.input_tokens,
      outputTokens: use.tokens.output_tokens,
      cacheReadInputTokens: use.tokens.cache_read_input_tokens,
      cacheCreationInputTokens: use.tokens.cache_creation_input_tokens,
      webSearchRequests: 0,
      costUSD: use.costUsd ?? 0,
      contextWindow: contextTokens,
      maxOutputTokens: outputTokens,
    },
  ]);
  return {
    type: "result",
    subtype: subtypes[end.status],
    is_error: end.status !== "done",
    duration_ms: Math.round(end.ms),
    duration_api_ms: Math.round(end.modelMs),
    num_turns: end.turns,
    stop_reason: end.status === "done" ? "end_turn" : null,
    ...(isSuccess ? { result: end.failure?.message ?? end.text } : { errors: [] }),
    total_cost_usd: costUsd ?? 0,
    usage: {
      ...tokens,
      ...{ service_tier: "standard", inference_geo: "", speed: "standard", iterations: [] },
      server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
      cache_creation: {
        ephemeral_5m_input_tokens: tokens.cache_creation_input_tokens,
        ephemeral_1h_input_tokens: 0,
      },
      fallback_credit: null,
    },
    modelUsage: Object.fromEntries(modelUsage),
    permission_denials: end.denials.map(({ id, name, input }) => ({
      tool_name: name,
      tool_use_id: id,
      tool_input: input,
    })),
  };
}
