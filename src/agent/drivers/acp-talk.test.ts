import { expect, test } from "vitest";
import { acpTalk } from "./acp-talk.ts";

const line = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message });
const open = () => acpTalk("do it", { cwd: "/work", isAsking: false });
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
  const opened = talk.read(line({ id: 2, result: { sessionId: "s" } }));
  expect(opened.conversation).toBe("s");
  expect(JSON.parse(opened.reply ?? "null")).toMatchObject({
    ...{ id: 4, method: "session/prompt" },
    params: { sessionId: "s", prompt: [{ type: "text", text: "do it" }] },
  });
  expect(talk.read(line({ id: 4, result: { stopReason: "end_turn" } })).isOver).toBe("done");
  expect(talk.read(line({ id: 4, result: { stopReason: "max_tokens" } })).isOver).toBe("failed");
  expect(talk.read(line({ id: 4, error: { message: "gone" } }))).toMatchObject({
    ...{ isOver: "failed", events: [{ type: "note", text: "Failed: gone" }] },
  });
});

test("what is said meanwhile is the next prompt; what was said before the turn was stopped is dropped, and said so", () => {
  const talk = open();
  expect(talk.interrupt?.()).toBeUndefined();
  talk.read(line({ id: 1, result: {} }));
  talk.read(line({ id: 2, result: { sessionId: "s" } }));
  expect(talk.say("and that")).toBeUndefined();
  const prompt = (id: number, text: string) => ({
    ...{ id, method: "session/prompt", params: { prompt: [{ text }] } },
  });
  const next = talk.read(line({ id: 4, result: { stopReason: "end_turn" } }));
  expect(JSON.parse(next.reply ?? "null")).toMatchObject(prompt(5, "and that"));
  const stop = () => {
    expect(JSON.parse(talk.interrupt?.() ?? "null")).toEqual({
      ...{ jsonrpc: "2.0", method: "session/cancel", params: { sessionId: "s" } },
    });
  };
  talk.say("too early");
  stop();
  talk.say("instead");
  const stopped = talk.read(line({ id: 5, result: { stopReason: "cancelled" } }));
  expect([stopped.isOver, stopped.events.slice(1)]).toMatchObject([
    undefined,
    [{ text: "Interrupted" }, { text: expect.stringContaining("had not been heard") }],
  ]);
  expect(JSON.parse(stopped.reply ?? "null")).toMatchObject(prompt(6, "instead"));
  talk.say("too early");
  stop();
  const ended = talk.read(line({ id: 6, result: { stopReason: "cancelled" } }));
  expect([ended.isOver, ended.reply]).toEqual(["interrupted", undefined]);
});

test("a conversation is gone on with by its name, and what it replays is not shown", () => {
  const going = (capabilities: object) => {
    const talk = acpTalk("more", { cwd: "/work", isAsking: false, conversation: "s1" });
    const first = talk.read(line({ id: 1, result: { agentCapabilities: capabilities } })).reply ?? "null";
    return { talk, first: JSON.parse(first) };
  };
  const chunk = update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: "old" } });
  const resumed = going({ sessionCapabilities: { resume: {} } });
  expect(resumed.first).toMatchObject({ method: "session/resume", params: { sessionId: "s1" } });
  expect(resumed.talk.read(line({ id: 2, result: {} })).reply).toContain('"session/prompt"');
  const { talk, first } = going({ loadSession: true });
  expect(first).toMatchObject({ method: "session/load", params: { sessionId: "s1", cwd: "/work" } });
  expect(talk.read(chunk).events).toEqual([]);
  const asked = talk.read(line({ id: 2, result: { modes: { currentModeId: "yolo" } } })).reply ?? "null";
  expect(JSON.parse(asked)).toMatchObject({ id: 3, params: { sessionId: "s1", modeId: "yolo" } });
  expect(talk.read(chunk).events).toEqual([]);
  expect(talk.read(line({ id: 3, result: {} })).reply).toContain('"sessionId":"s1"');
  expect(talk.read(chunk).events).toHaveLength(1);
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

test("the person is told what it calls the answer that it would keep", () => {
  const about = (name: string) => {
    const options = [{ optionId: "a", kind: "allow_always", name }];
    const params = { options, toolCall: { kind: "execute", title: "ls" } };
    return open().read(line({ id: 9, method: "session/request_permission", params })).question;
  };
  expect(about("Allow everything")).toMatchObject({
    always: [],
    alwaysFor: 'what it calls "Allow everything"',
  });
  expect(about("x".repeat(201))).not.toHaveProperty("always");
});

test("what it does is shown once, with what came of it; what is asked of an editor is refused", () => {
  const talk = open();
  talk.read(line({ id: 2, result: { sessionId: "s" } }));
  const call = { sessionUpdate: "tool_call_update", toolCallId: "1", kind: "edit", title: "Writing" };
  expect(talk.read(update({ ...call, status: "completed" })).events.map(({ type }) => type)).toEqual([
    "tool",
    "tool-ended",
  ]);
  expect(talk.read(update({ ...call, status: "failed" })).events).toMatchObject([
    { result: { is_error: true } },
  ]);
  const bare = { sessionUpdate: "tool_call", toolCallId: "2", kind: "execute", title: "bash" };
  expect(talk.read(update({ ...bare, status: "pending", rawInput: { cwd: "/" } })).events).toEqual([]);
  const begun = { ...bare, sessionUpdate: "tool_call_update", status: "in_progress" };
  expect(talk.read(update({ ...begun, rawInput: { command: "ls" } })).events).toMatchObject([
    { type: "tool", name: "execute", input: { command: "ls" } },
  ]);
  const { reply = "{}" } = talk.read(line({ id: 9, method: "fs/read_text_file", params: {} }));
  expect(JSON.parse(reply)).toMatchObject({ id: 9, error: { code: -32_601 } });
  for (const nonsense of ["", "null", "[]", "Loaded.", "{}"])
    expect(talk.read(nonsense)).toEqual({ events: [] });
});
