import { randomUUID } from "node:crypto";
import { unheard } from "../unheard.ts";
import { claudeEvents } from "./claude-events.ts";
import type { Heard, Question, Reply, Talk } from "./driver.ts";

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

function parsed(line: string): Fields {
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    // A line that cannot be read asks nothing.
    return {};
  }
}

const userMessage = (text: string, uuid?: string) =>
  JSON.stringify({
    ...{ type: "user", message: { role: "user", content: text } },
    ...{ parent_tool_use_id: null, session_id: "", ...(uuid === undefined ? {} : { uuid }) },
  });

const response = (of: Fields) => JSON.stringify({ type: "control_response", response: of });

/** Holds a conversation in Claude Code's control dialect: the task goes in by stdin, and its questions come out. */
export function claudeTalk(task: string): Talk {
  const eventsOf = claudeEvents();
  const words = new Words();
  return {
    opening: [controlRequest({ subtype: "initialize", hooks: {} }), userMessage(task)],
    read: (line) => words.read(parsed(line), heardIn(parsed(line), eventsOf(line))),
    answer,
    say: (text) => words.say(text),
    interrupt: () => words.interrupt(),
    mayBegin: () => words.mayBegin,
  };
}

const controlRequest = (request: Fields, id: string = randomUUID()) =>
  JSON.stringify({ type: "control_request", request_id: id, request });

/** What the person says beside the task, and what becomes of it when they stop the turn. */
class Words {
  /** By the names that they were given. */
  #said: string[] = [];
  /** Asked to be forgotten, by the request that asks; older versions do not answer it, and make a turn of them. */
  readonly #forgotten = new Set<string>();
  /** The turn was stopped, and nothing has been said since. */
  #isStopped = false;

  get mayBegin(): boolean {
    return this.#isStopped && this.#forgotten.size > 0;
  }

  say(text: string): string {
    const uuid = randomUUID();
    this.#isStopped = false;
    this.#said.push(uuid);
    return userMessage(text, uuid);
  }

  interrupt(): string {
    this.#isStopped = true;
    const lines = this.#said.map((message_uuid) => {
      const id = randomUUID();
      this.#forgotten.add(id);
      return controlRequest({ subtype: "cancel_async_message", message_uuid }, id);
    });
    this.#said = [];
    return [...lines, controlRequest({ subtype: "interrupt" })].join("\n");
  }

  read(line: Fields, heard: Heard): Heard {
    if (line["type"] === "control_response") {
      const { request_id, response } = fieldsOf(line["response"]);
      const isAnswer = this.#forgotten.delete(`${request_id}`);
      return isAnswer && fieldsOf(response)["cancelled"] === true ? noted(heard) : heard;
    }
    if (!this.mayBegin || line["type"] !== "system" || line["subtype"] !== "init") return heard;
    return { ...noted(heard), reply: controlRequest({ subtype: "interrupt" }) };
  }
}

const noted = (heard: Heard): Heard => ({
  ...heard,
  events: [...heard.events, { type: "note", text: unheard }],
});

function heardIn(line: Fields, events: Heard["events"]): Heard {
  const request = fieldsOf(line["request"]);
  const id = `${line["request_id"]}`;
  if (line["type"] === "system" && line["subtype"] === "init")
    return { events, conversation: `${line["session_id"]}` };
  if (line["type"] !== "control_request") return { events };
  if (request["subtype"] !== "can_use_tool") {
    const error = "Workcell knows no such request";
    return { events, reply: response({ subtype: "error", request_id: id, error }) };
  }
  const always = suggestedRules(request["permission_suggestions"]);
  const question: Question = {
    ...{ id, tool: `${request["tool_name"]}`, input: request["input"] },
    ...(always.length === 0 ? {} : { always, alwaysFor: always.flatMap(rulesIn).join(", ") }),
  };
  return { events, question };
}

/** More than a person reads before they say "always". */
const LONGEST_RULES = 1000;

/** What it suggests is its own choice, and may be wider than what it asks for: the person is told. */
function rulesIn({ rules }: Fields): readonly string[] {
  return (Array.isArray(rules) ? rules : []).map(fieldsOf).map(({ toolName, ruleContent }) => {
    return typeof ruleContent === "string" ? `${toolName}(${ruleContent})` : `${toolName}`;
  });
}

/** Of what it suggests, rules alone: a mode or a folder more would say more than the question does. */
function suggestedRules(suggestions: unknown): readonly Fields[] {
  if (!Array.isArray(suggestions)) return [];
  const allowing = suggestions
    .map(fieldsOf)
    .filter(({ type, behavior }) => type === "addRules" && behavior === "allow")
    .map((one) => ({ ...one, destination: "session" }));
  const { length } = allowing.flatMap(rulesIn).join(", ");
  return length > 0 && length <= LONGEST_RULES ? allowing : [];
}

function answer({ id, input, always }: Question, reply: Reply): string {
  if (!reply.may)
    return response({
      ...{ subtype: "success", request_id: id },
      response: { behavior: "deny", message: reply.why },
    });
  const updatedPermissions = reply.always && always !== undefined ? { updatedPermissions: always } : {};
  return response({
    ...{ subtype: "success", request_id: id },
    response: { behavior: "allow", updatedInput: fieldsOf(input), ...updatedPermissions },
  });
}
