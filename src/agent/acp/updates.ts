import type { SessionUpdate } from "@agentclientprotocol/sdk";
import { printable } from "../../lib/printable.ts";
import { blocks } from "../loop/conversation.ts";
import type { AgentEvent } from "../loop/events.ts";
import { totalOf } from "../loop/ledger.ts";
import type { ContentBlockParam, MessageParam } from "../model/messages.ts";
import { contextOf, tokensOf } from "../model/usage.ts";
import { shownCall, shownResult } from "./tool-call.ts";

export interface UpdateParts {
  readonly send: (update: SessionUpdate) => void;
  /** A line for whoever reads the agent's stderr: what ACP has no word for that every editor knows. */
  readonly note: (text: string) => void;
  readonly cwd: () => string;
  readonly contextTokens: number;
}

/** Says the agent's events as ACP's updates of a session. */
export function acpView({ send, note, cwd, contextTokens }: UpdateParts): (event: AgentEvent) => void {
  let used = 0;
  return (event) => {
    if (event.type === "stream") {
      // Of sub-agents, whose texts come side by side, only the calls are shown.
      const update = event.parent === null ? chunkOf(event.event) : undefined;
      if (update !== undefined) send(update);
    } else if (event.type === "message") {
      if (event.parent === null) used = contextOf(tokensOf(event.message.usage));
    } else if (event.type === "tool")
      send({ sessionUpdate: "tool_call", status: "pending", ...shownCall({ ...event, cwd: cwd() }) });
    else if (event.type === "tool-ended") {
      const status = event.result.is_error ? "failed" : "completed";
      const isChange = (event.name === "Edit" || event.name === "Write") && status === "completed";
      // What an editor shows of a change is the change, and not the tool's words about it.
      const content = isChange ? {} : { content: shownResult(event.result) };
      send({ sessionUpdate: "tool_call_update", toolCallId: event.id, status, ...content });
    } else if (event.type === "retry") note(`${event.why} Trying again, ${event.attempt} of ${event.of}`);
    else if (event.type === "compacted") note("The conversation is too long and is summed up");
    else if (event.type === "note") note(event.text);
    else if (event.type === "ended") {
      const { costUsd } = totalOf(event.models);
      const cost = costUsd === undefined ? {} : { cost: { amount: costUsd, currency: "USD" } };
      send({ sessionUpdate: "usage_update", used, size: contextTokens, ...cost });
    }
  };
}

/** A line on stderr. */
export const noteOn =
  (stderr: NodeJS.WritableStream) =>
  (text: string): void =>
    void stderr.write(`workcell-agent: ${printable(text)}\n`);

function chunkOf(event: Extract<AgentEvent, { type: "stream" }>["event"]): SessionUpdate | undefined {
  if (event.type !== "content_block_delta") return undefined;
  if (event.delta.type === "text_delta") return chunk("agent_message_chunk", event.delta.text);
  if (event.delta.type === "thinking_delta") return chunk("agent_thought_chunk", event.delta.thinking);
  return undefined;
}

const chunk = (
  sessionUpdate: "agent_message_chunk" | "agent_thought_chunk" | "user_message_chunk",
  text: string,
): SessionUpdate => ({ sessionUpdate, content: { type: "text", text } });

/** An earlier conversation, told again to an editor that shows it. */
export function replay(messages: readonly MessageParam[], cwd: string): SessionUpdate[] {
  return messages.flatMap((message) => blocks(message).flatMap((block) => told(message.role, block, cwd)));
}

function told(role: MessageParam["role"], block: ContentBlockParam, cwd: string): SessionUpdate[] {
  if (block.type === "text")
    return [chunk(role === "user" ? "user_message_chunk" : "agent_message_chunk", block.text)];
  if (block.type === "thinking") return [chunk("agent_thought_chunk", block.thinking)];
  if (block.type === "tool_use")
    // What the file held before is not known any more.
    return [{ sessionUpdate: "tool_call", status: "pending", ...shownCall({ ...block, cwd }), content: [] }];
  if (block.type !== "tool_result") return [];
  const status = block.is_error ? "failed" : "completed";
  return [
    { sessionUpdate: "tool_call_update", toolCallId: block.tool_use_id, status, content: shownResult(block) },
  ];
}
