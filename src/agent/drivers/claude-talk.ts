import { randomUUID } from "node:crypto";
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

const userMessage = (text: string) =>
  JSON.stringify({
    ...{ type: "user", message: { role: "user", content: text } },
    ...{ parent_tool_use_id: null, session_id: "" },
  });

const response = (of: Fields) => JSON.stringify({ type: "control_response", response: of });

/** Holds a conversation in Claude Code's control dialect: the task goes in by stdin, and its questions come out. */
export function claudeTalk(task: string): Talk {
  const eventsOf = claudeEvents();
  return {
    opening: [controlRequest({ subtype: "initialize", hooks: {} }), userMessage(task)],
    read: (line) => heardIn(parsed(line), eventsOf(line)),
    answer,
    say: userMessage,
    interrupt: () => controlRequest({ subtype: "interrupt" }),
  };
}

const controlRequest = (request: Fields) =>
  JSON.stringify({ type: "control_request", request_id: randomUUID(), request });

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
    ...(always.length === 0 ? {} : { always }),
  };
  return { events, question };
}

/** Of what it suggests, rules alone: a mode or a folder more would say more than the question does. */
function suggestedRules(suggestions: unknown): readonly Fields[] {
  if (!Array.isArray(suggestions)) return [];
  return suggestions
    .map(fieldsOf)
    .filter(({ type, behavior }) => type === "addRules" && behavior === "allow")
    .map((one) => ({ ...one, destination: "session" }));
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
