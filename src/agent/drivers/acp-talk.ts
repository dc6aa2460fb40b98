import type { AgentEvent } from "../loop/events.ts";
import { unheard } from "../unheard.ts";
import type { Heard, Question, Reply, Talk, TalkPlace } from "./driver.ts";
import { type Fields, fieldsOf, listOf, parsedLine, textOf } from "./fields.ts";

const message = (body: Fields) => JSON.stringify({ jsonrpc: "2.0", ...body });

/** What is asked of the agent, one after the other: the number is the request's. */
const INITIALIZE = 1;
const SESSION = 2;
const REPLAYED = 3;
/** The first of the prompts; each further one has the next number. */
const PROMPT = 4;

/** Hands a task over by the Agent Client Protocol, in the folder in which the agent was started. */
export function acpTalk(task: string, place: TalkPlace): Talk {
  const clientCapabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
  const begin = { protocolVersion: 1, clientCapabilities };
  const options = new Map<string, readonly Fields[]>();
  const named = new Set<string>();
  const course = new Course(task, place);
  const read = (line: string): Heard => {
    const said = parsedLine(line);
    const params = fieldsOf(said["params"]);
    if (said["method"] === "session/update")
      return { events: course.isAtWork ? eventsOf(fieldsOf(params["update"]), named) : [] };
    if (said["method"] === "session/request_permission") return asked(said, options);
    if (said["method"] !== undefined) return unknown(said);
    return course.next(said);
  };
  return {
    opening: [message({ id: INITIALIZE, method: "initialize", params: begin })],
    read,
    answer: (question, reply) => answer(question, reply, options.get(question.id) ?? []),
    say: (text) => course.say(text),
    interrupt: () => course.cancel(),
  };
}

/** How far a conversation is: each request follows the answer to the one before it. */
class Course {
  readonly #place: TalkPlace;
  /** What the person says, and it has not been told. A second prompt would stop the first one in its middle. */
  readonly #waiting: string[];
  /** Words that it was not told before its turn was stopped. */
  #isUnheard = false;
  #session = "";
  #mayResume = false;
  #prompts = 0;

  constructor(task: string, place: TalkPlace) {
    this.#place = place;
    this.#waiting = [task];
  }

  /** What it tells before it is told its task is what was said in the conversation that is gone on with. */
  get isAtWork(): boolean {
    return this.#prompts > 0;
  }

  say(text: string): undefined {
    this.#waiting.push(text);
  }

  cancel(): string | undefined {
    if (!this.isAtWork) return undefined;
    this.#isUnheard = this.#waiting.splice(0).length > 0;
    return message({ method: "session/cancel", params: { sessionId: this.#session } });
  }

  next({ id, result, error }: Fields): Heard {
    if (error !== undefined) {
      const text = `Failed: ${textOf(fieldsOf(error)["message"]) || "the agent gives no reason"}`;
      return { events: [{ type: "note", text }], isOver: "failed" };
    }
    if (result === undefined) return { events: [] };
    if (id === INITIALIZE) return this.#open(fieldsOf(result));
    if (id === SESSION) return this.#opened(fieldsOf(result));
    if (id === REPLAYED) return { events: [], reply: this.#prompt() };
    return this.#ended(textOf(fieldsOf(result)["stopReason"]));
  }

  #open({ agentCapabilities }: Fields): Heard {
    const { cwd, conversation } = this.#place;
    this.#mayResume = "resume" in fieldsOf(fieldsOf(agentCapabilities)["sessionCapabilities"]);
    const how = conversation === undefined ? "new" : this.#mayResume ? "resume" : "load";
    const which = conversation === undefined ? {} : { sessionId: conversation };
    const params = { ...which, cwd, mcpServers: [] };
    return { events: [], reply: message({ id: SESSION, method: `session/${how}`, params }) };
  }

  #opened({ sessionId, modes }: Fields): Heard {
    const { conversation } = this.#place;
    this.#session = conversation ?? textOf(sessionId);
    const modeId = fieldsOf(modes)["currentModeId"];
    // What it replays may still come after this; what is asked now is answered after that.
    const isReplaying = conversation !== undefined && !this.#mayResume && modeId !== undefined;
    const params = { sessionId: this.#session, modeId };
    const reply = isReplaying
      ? message({ id: REPLAYED, method: "session/set_mode", params })
      : this.#prompt();
    return { events: [], conversation: this.#session, reply };
  }

  #prompt(): string {
    const prompt = [{ type: "text", text: this.#waiting.splice(0).join("\n") }];
    this.#prompts += 1;
    const params = { sessionId: this.#session, prompt };
    return message({ id: PROMPT - 1 + this.#prompts, method: "session/prompt", params });
  }

  #ended(reason: string): Heard {
    const events: AgentEvent[] = [
      { type: "stream", event: { type: "content_block_stop", index: 0 }, parent: null },
    ];
    if (reason === "cancelled") events.push({ type: "note", text: "Interrupted" });
    else if (reason !== "end_turn") events.push({ type: "note", text: `Stopped: ${reason}` });
    if (this.#isUnheard) events.push({ type: "note", text: unheard });
    this.#isUnheard = false;
    if (this.#waiting.length > 0) return { events, reply: this.#prompt() };
    const isOver = { end_turn: "done", cancelled: "interrupted" } as const;
    return { events, isOver: isOver[reason as keyof typeof isOver] ?? "failed" };
  }
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
    ...alwaysIn(listOf(options)),
  };
  return { events: [], question };
}

/** What it would allow for ever is its own choice: the person is told what it calls that. */
function alwaysIn(options: readonly Fields[]): Pick<Question, "always" | "alwaysFor"> {
  const option = options.find(({ kind }) => kind === "allow_always");
  if (option === undefined) return {};
  const name = textOf(option["name"]);
  if (name.length > 200) return {};
  return { always: [], ...(name === "" ? {} : { alwaysFor: `what it calls "${name}"` }) };
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
  const raw = fieldsOf(update["rawInput"]);
  // What it is about is told when it begins.
  if (kind === "tool_call" && update["status"] === "pending") return [];
  const name = textOf(update["kind"]) || "tool";
  const input = { description: textOf(update["title"]) || name, ...raw };
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
