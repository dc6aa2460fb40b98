import { expect, test } from "vitest";
import { acpTalk } from "./acp-talk.ts";

const line = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message });
const open = () => acpTalk("do it", { cwd: "/work" });
const permission = (options: readonly object[]) =>
  line({
    ...{ id: "q", method: "session/request_permission" },
    params: { options, toolCall: { kind: "edit", title: "Writing to a" } },
  });
const update = (fields: object) => line({ method: "session/update", params: { update: fields } });

test("each request comes when the one before it was answered, and the last answer ends it", () => {
  const talk = open();
  expect(talk.opening.map((each) => JSON.parse(each).method)).toEqual(["initialize"]);
  const next = (message: object) => JSON.parse(talk.read(line(message)).reply ?? "null");
  expect(next({ id: 1, result: {} })).toMatchObject({ method: "session/new", params: { cwd: "/work" } });
  expect(next({ id: 2, result: { sessionId: "s" } })).toMatchObject({
    ...{ method: "session/prompt" },
    params: { sessionId: "s", prompt: [{ type: "text", text: "do it" }] },
  });
  expect(talk.read(line({ id: 3, result: { stopReason: "end_turn" } })).isOver).toBe("done");
  expect(talk.read(line({ id: 3, result: { stopReason: "max_tokens" } })).isOver).toBe("failed");
  expect(talk.read(line({ id: 3, error: { message: "gone" } }))).toMatchObject({
    ...{ isOver: "failed", events: [{ type: "note", text: "Failed: gone" }] },
  });
});

test("a question is answered by what the agent offers, and by nothing where it does not offer that", () => {
  const talk = open();
  const offered = [
    { optionId: "once", kind: "allow_once" },
    { optionId: "no", kind: "reject_once" },
  ];
  const { question } = talk.read(permission(offered));
  expect(question).toEqual({ id: '"q"', tool: "edit", input: "Writing to a" });
  if (question === undefined) return;
  const outcome = (reply: Parameters<typeof talk.answer>[1]) =>
    JSON.parse(talk.answer(question, reply)).result.outcome;
  expect(outcome({ may: true, always: false })).toEqual({ outcome: "selected", optionId: "once" });
  expect(outcome({ may: false, why: "no" })).toEqual({ outcome: "selected", optionId: "no" });
  expect(outcome({ may: true, always: true })).toEqual({ outcome: "cancelled" });
});

test("what it does is shown once, with what came of it; what is asked of an editor is refused", () => {
  const talk = open();
  const call = { sessionUpdate: "tool_call_update", toolCallId: "1", kind: "edit", title: "Writing" };
  expect(talk.read(update({ ...call, status: "completed" })).events.map(({ type }) => type)).toEqual([
    "tool",
    "tool-ended",
  ]);
  expect(talk.read(update({ ...call, status: "failed" })).events).toMatchObject([
    { result: { is_error: true } },
  ]);
  const { reply = "{}" } = talk.read(line({ id: 9, method: "fs/read_text_file", params: {} }));
  expect(JSON.parse(reply)).toMatchObject({ id: 9, error: { code: -32_601 } });
  for (const nonsense of ["", "null", "[]", "Loaded.", "{}"])
    expect(talk.read(nonsense)).toEqual({ events: [] });
});
