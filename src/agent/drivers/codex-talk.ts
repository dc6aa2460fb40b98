import type { AgentEvent } from "../loop/events.ts";
import type { Heard, Question, Reply, Talk, TalkPlace } from "./driver.ts";
import { type Fields, fieldsOf, listOf, numberOf, parsedLine, textOf } from "./fields.ts";

const message = (body: Fields) => JSON.stringify(body);
const written = (text: string) => [{ type: "text", text, text_elements: [] }];

/** What is asked of Codex, one after the other: the number is the request's. */
const INITIALIZE = 1;
const THREAD = 2;
const TURN = 3;
/** Of what is asked beside that, the answers change nothing. */
const BESIDE = 4;

/** What it asks before it is done, and nothing else. */
const questions: Readonly<Record<string, string>> = {
  "item/commandExecution/requestApproval": "command",
  "item/fileChange/requestApproval": "edit",
};

/** Holds a conversation by the protocol of Codex's app server: JSON-RPC without its version. */
export function codexTalk(task: string, place: TalkPlace): Talk {
  const course = new Course(task, place);
  const clientInfo = { name: "workcell", title: "Workcell", version: "1" };
  return {
    opening: [message({ id: INITIALIZE, method: "initialize", params: { clientInfo } })],
    read: (line) => course.read(parsedLine(line)),
    answer: (question, reply) => course.answer(question, reply),
    say: (text) => course.say(text),
    interrupt: () => course.interrupt(),
  };
}

class Course {
  readonly #task: string;
  readonly #place: TalkPlace;
  #thread = "";
  /** The turn that is on. */
  #turn: string | undefined;
  /** What was said before there was a turn, or since it was stopped. */
  readonly #waiting: string[] = [];
  #isStopping = false;
  #model = "";
  #tokens: Fields = {};
  /** Items whose words came as they were made. */
  readonly #streamed = new Set<string>();
  /** What an item would change, as it was told when it began. */
  readonly #changes = new Map<string, unknown>();

  constructor(task: string, place: TalkPlace) {
    this.#task = task;
    this.#place = place;
  }

  read(said: Fields): Heard {
    const { id, method, result, error } = said;
    const params = fieldsOf(said["params"]);
    if (typeof method === "string" && id !== undefined) return this.#asked(id, method, params);
    if (typeof method === "string") return this.#told(method, params);
    if (error !== undefined && id !== BESIDE) return failed(textOf(fieldsOf(error)["message"]));
    if (id === INITIALIZE) return { events: [], reply: this.#open() };
    if (id === THREAD) return this.#opened(fieldsOf(result));
    return { events: [] };
  }

  say(text: string): string | undefined {
    if (this.#turn !== undefined && !this.#isStopping) return this.#steer(text);
    this.#waiting.push(text);
    return undefined;
  }

  interrupt(): string | undefined {
    if (this.#turn === undefined) return undefined;
    this.#isStopping = true;
    const params = { threadId: this.#thread, turnId: this.#turn };
    return message({ id: BESIDE, method: "turn/interrupt", params });
  }

  /** It takes a no, and why by what is said beside it. */
  answer({ id }: Question, reply: Reply): string {
    const decision = reply.may ? (reply.always ? "acceptForSession" : "accept") : "decline";
    const line = message({ id: JSON.parse(id), result: { decision } });
    return reply.may || this.#turn === undefined ? line : `${this.#steer(reply.why)}\n${line}`;
  }

  #steer(text: string): string {
    const params = { threadId: this.#thread, expectedTurnId: this.#turn, input: written(text) };
    return message({ id: BESIDE, method: "turn/steer", params });
  }

  #open(): string {
    const { cwd, conversation, isAsking } = this.#place;
    const which = conversation === undefined ? {} : { threadId: conversation };
    const asking = isAsking ? { approvalPolicy: "untrusted" } : {};
    const method = conversation === undefined ? "thread/start" : "thread/resume";
    // SECURITY(P12): a thread that may do anything has it trust the folder, and start what the folder's own
    // configuration names. This one may only read; its turns, in their cell, may do more.
    const params = { ...which, ...asking, cwd, sandbox: "read-only" };
    const open = message({ id: THREAD, method, params });
    return `${message({ method: "initialized" })}\n${open}`;
  }

  #opened({ thread, model }: Fields): Heard {
    this.#thread = textOf(fieldsOf(thread)["id"]);
    this.#model = textOf(model);
    const started: AgentEvent = {
      ...{ type: "started", session: this.#thread, model: this.#model, cwd: this.#place.cwd },
      ...{ tools: [], permissionMode: "default" },
    };
    return { events: [started], conversation: this.#thread, reply: this.#begin(this.#task) };
  }

  #begin(text: string): string {
    const sandboxPolicy = { type: "dangerFullAccess" };
    const params = { threadId: this.#thread, input: written(text), sandboxPolicy };
    return message({ id: TURN, method: "turn/start", params });
  }

  #asked(id: unknown, method: string, params: Fields): Heard {
    const tool = questions[method];
    if (tool === undefined) {
      const error = { code: -32_601, message: `Workcell knows no ${method}` };
      return { events: [], reply: message({ id, error }) };
    }
    const changes = this.#changes.get(textOf(params["itemId"]));
    const input = tool === "command" ? { command: params["command"], cwd: params["cwd"] } : { changes };
    // What it is allowed once and for all it is allowed for the same command, or for the same files.
    const alwaysFor = tool === "command" ? "this command" : "these files";
    return { events: [], question: { id: JSON.stringify(id), tool, input, always: [], alwaysFor } };
  }

  #told(method: string, params: Fields): Heard {
    const turn = fieldsOf(params["turn"]);
    const item = fieldsOf(params["item"]);
    if (method === "turn/started") return this.#began(textOf(turn["id"]));
    if (method === "turn/completed") return this.#ended(turn);
    if (method === "item/agentMessage/delta") {
      this.#streamed.add(textOf(params["itemId"]));
      return { events: [textEvent(textOf(params["delta"]))] };
    }
    if (method === "item/started") {
      this.#changes.set(textOf(item["id"]), item["changes"]);
      return { events: begun(item) };
    }
    if (method === "item/completed") {
      const isNew = item["type"] === "agentMessage" && !this.#streamed.delete(textOf(item["id"]));
      return { events: [...(isNew ? [textEvent(textOf(item["text"]))] : []), ...done(item)] };
    }
    if (method === "thread/tokenUsage/updated")
      this.#tokens = fieldsOf(fieldsOf(params["tokenUsage"])["total"]);
    if (method === "error" && params["willRetry"] === true) {
      const why = textOf(fieldsOf(params["error"])["message"]);
      return { events: [{ type: "note", text: `Trying again: ${why}` }] };
    }
    return { events: [] };
  }

  #began(turn: string): Heard {
    this.#turn = turn;
    const said = this.#waiting.splice(0).map((text) => this.#steer(text));
    return { events: [], ...(said.length === 0 ? {} : { reply: said.join("\n") }) };
  }

  #ended({ status, error, durationMs }: Fields): Heard {
    this.#turn = undefined;
    this.#isStopping = false;
    if (status === "interrupted" && this.#waiting.length > 0) {
      const reply = this.#begin(this.#waiting.splice(0).join("\n"));
      return { events: [{ type: "note", text: "Interrupted" }], reply };
    }
    if (status !== "completed" && status !== "interrupted") return failed(textOf(fieldsOf(error)["message"]));
    const cached = numberOf(this.#tokens["cachedInputTokens"]);
    const tokens = {
      input_tokens: numberOf(this.#tokens["inputTokens"]) - cached,
      output_tokens: numberOf(this.#tokens["outputTokens"]),
      ...{ cache_read_input_tokens: cached, cache_creation_input_tokens: 0 },
    };
    const ended: AgentEvent = {
      ...{ type: "ended", status: status === "completed" ? "done" : "interrupted", text: "", turns: 1 },
      ...{ ms: numberOf(durationMs), modelMs: 0, denials: [], models: { [this.#model]: { tokens } } },
    };
    return { events: [ended] };
  }
}

function failed(why: string): Heard {
  return {
    events: [{ type: "note", text: `Failed: ${why || "Codex gives no reason"}` }],
    isOver: "failed",
  };
}

const textEvent = (text: string): AgentEvent => ({
  ...{ type: "stream", parent: null },
  event: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
});

/** What is shown of an item as a call; of what is said, thought and planned nothing is. */
function subjectOf(item: Fields): Fields | undefined {
  if (item["type"] === "commandExecution") return { command: item["command"] };
  if (item["type"] === "fileChange")
    return {
      description: listOf(item["changes"])
        .map(({ path }) => textOf(path))
        .join(", "),
    };
  if (item["type"] === "mcpToolCall") return { description: `${item["server"]} ${item["tool"]}` };
  return item["type"] === "webSearch" ? { description: item["query"] } : undefined;
}

function begun(item: Fields): readonly AgentEvent[] {
  const input = subjectOf(item);
  if (input === undefined) return [];
  return [{ type: "tool", id: textOf(item["id"]), name: textOf(item["type"]), input, parent: null }];
}

function done(item: Fields): readonly AgentEvent[] {
  const id = textOf(item["id"]);
  if (item["type"] === "agentMessage")
    return [{ type: "stream", event: { type: "content_block_stop", index: 0 }, parent: null }];
  if (subjectOf(item) === undefined) return [];
  const text = textOf(item["aggregatedOutput"]) || textOf(item["status"]);
  const is_error = item["status"] !== "completed";
  const result = { type: "tool_result" as const, tool_use_id: id, content: text, is_error };
  const ms = numberOf(item["durationMs"]);
  return [{ type: "tool-ended", id, name: textOf(item["type"]), ms, result, parent: null }];
}
