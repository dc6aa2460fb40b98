import type { AgentEvent } from "../loop/events.ts";
import type { Heard, Question, Reply, Talk } from "./driver.ts";

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const message = (body: Fields) => JSON.stringify({ jsonrpc: "2.0", ...body });

/** What is asked of the agent, one after the other: the number is the request's. */
const INITIALIZE = 1;
const NEW_SESSION = 2;
const PROMPT = 3;

function parsed(line: string): Fields {
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    // Not every agent keeps its stdout for messages alone.
    return {};
  }
}

/** Hands a task over by the Agent Client Protocol, in the folder in which the agent was started. */
export function acpTalk(task: string, { cwd }: { readonly cwd: string }): Talk {
  const clientCapabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
  const begin = { protocolVersion: 1, clientCapabilities };
  const options = new Map<string, readonly Fields[]>();
  const named = new Set<string>();
  const read = (line: string): Heard => {
    const said = parsed(line);
    const params = fieldsOf(said["params"]);
    if (said["method"] === "session/update") return { events: eventsOf(fieldsOf(params["update"]), named) };
    if (said["method"] === "session/request_permission") return asked(said, options);
    if (said["method"] !== undefined) return unknown(said);
    return answered(said, { task, cwd });
  };
  return {
    opening: [message({ id: INITIALIZE, method: "initialize", params: begin })],
    read,
    answer: (question, reply) => answer(question, reply, options.get(question.id) ?? []),
  };
}

/** The next request, when the one before it was answered. */
function answered(
  { id, result, error }: Fields,
  how: { readonly task: string; readonly cwd: string },
): Heard {
  if (error !== undefined) {
    const text = `Failed: ${textOf(fieldsOf(error)["message"]) || "the agent gives no reason"}`;
    return { events: [{ type: "note", text }], isOver: "failed" };
  }
  if (result === undefined) return { events: [] };
  if (id === INITIALIZE) {
    const params = { cwd: how.cwd, mcpServers: [] };
    return { events: [], reply: message({ id: NEW_SESSION, method: "session/new", params }) };
  }
  const { sessionId, stopReason } = fieldsOf(result);
  if (id === NEW_SESSION) {
    const params = { sessionId, prompt: [{ type: "text", text: how.task }] };
    return { events: [], reply: message({ id: PROMPT, method: "session/prompt", params }) };
  }
  const events = [{ type: "stream", event: { type: "content_block_stop", index: 0 }, parent: null }] as const;
  if (stopReason === "end_turn") return { events, isOver: "done" };
  return { events: [...events, { type: "note", text: `Stopped: ${textOf(stopReason)}` }], isOver: "failed" };
}

/** Files and terminals are the agent's own: what it asks of an editor there is not done. */
function unknown({ id, method }: Fields): Heard {
  if (id === undefined) return { events: [] };
  const error = { code: -32_601, message: `Workcell knows no ${textOf(method)}` };
  return { events: [], reply: message({ id, error }) };
}

function asked({ id, params }: Fields, known: Map<string, readonly Fields[]>): Heard {
  const { options, toolCall } = fieldsOf(params);
  const { kind, title, rawInput } = fieldsOf(toolCall);
  const key = JSON.stringify(id);
  known.set(key, listOf(options));
  const question: Question = {
    ...{
      id: key,
      tool: textOf(kind) || "tool",
      input: rawInput === undefined ? textOf(title) : { title, ...fieldsOf(rawInput) },
    },
    ...(listOf(options).some(({ kind: one }) => one === "allow_always") ? { always: [] } : {}),
  };
  return { events: [], question };
}

function answer({ id }: Question, reply: Reply, options: readonly Fields[]): string {
  const kind = reply.may ? (reply.always ? "allow_always" : "allow_once") : "reject_once";
  const optionId = options.find((option) => option["kind"] === kind)?.["optionId"];
  const outcome = optionId === undefined ? { outcome: "cancelled" } : { outcome: "selected", optionId };
  return message({ id: JSON.parse(id), result: { outcome } });
}

function eventsOf(update: Fields, named: Set<string>): readonly AgentEvent[] {
  const kind = update["sessionUpdate"];
  if (kind === "agent_message_chunk") {
    const delta = { type: "text_delta", text: textOf(fieldsOf(update["content"])["text"]) } as const;
    return [{ type: "stream", event: { type: "content_block_delta", index: 0, delta }, parent: null }];
  }
  if (kind !== "tool_call" && kind !== "tool_call_update") return [];
  const id = textOf(update["toolCallId"]);
  const name = textOf(update["kind"]) || "tool";
  const input = { description: textOf(update["title"]) };
  const begun: readonly AgentEvent[] = named.has(id) ? [] : [{ type: "tool", id, name, input, parent: null }];
  named.add(id);
  const status = update["status"];
  if (status !== "completed" && status !== "failed") return begun;
  const content = listOf(update["content"]).map((part) => ({
    type: "text" as const,
    text: textOf(fieldsOf(part["content"])["text"]) || textOf(part["path"]),
  }));
  const result = { type: "tool_result" as const, tool_use_id: id, content, is_error: status === "failed" };
  return [...begun, { type: "tool-ended", id, name, ms: 0, result, parent: null }];
}
