import { expect, test } from "vitest";
import { claudeTalk } from "./claude-talk.ts";

const asked = (more: object = {}) =>
  JSON.stringify({
    ...{ type: "control_request", request_id: "r1" },
    request: { subtype: "can_use_tool", tool_name: "Bash", input: { command: "ls" }, ...more },
  });

test("it is told the task, after a greeting", () => {
  const [greeting, task] = claudeTalk("-- do it").opening.map((line) => JSON.parse(line));
  expect(greeting).toMatchObject({ type: "control_request", request: { subtype: "initialize" } });
  expect(task).toMatchObject({ type: "user", message: { role: "user", content: "-- do it" } });
});

test("a question is read and answered, and always means what it suggested of rules, for this session", () => {
  const talk = claudeTalk("x");
  const rule = { type: "addRules", behavior: "allow", rules: [{ toolName: "Bash" }] };
  const permission_suggestions = [
    { ...rule, destination: "localSettings" },
    { type: "setMode", mode: "bypassPermissions" },
    { ...rule, behavior: "deny" },
  ];
  const { question } = talk.read(asked({ permission_suggestions }));
  expect(question).toMatchObject({ id: "r1", tool: "Bash", input: { command: "ls" }, alwaysFor: "Bash" });
  if (question === undefined) return;
  const answered = (reply: Parameters<typeof talk.answer>[1]) =>
    JSON.parse(talk.answer(question, reply)).response;
  expect(answered({ may: true, always: false })).toEqual({
    ...{ subtype: "success", request_id: "r1" },
    response: { behavior: "allow", updatedInput: { command: "ls" } },
  });
  expect(answered({ may: true, always: true }).response).toMatchObject({
    updatedPermissions: [{ ...rule, destination: "session" }],
  });
  expect(answered({ may: false, why: "no" }).response).toEqual({ behavior: "deny", message: "no" });
});

test("the person is told what always would be about, and more than they can read is no answer to choose", () => {
  const suggest = (rules: unknown) => ({
    permission_suggestions: [{ type: "addRules", behavior: "allow", rules }],
  });
  const about = (rules: unknown) => claudeTalk("x").read(asked(suggest(rules))).question;
  const rules = [{ toolName: "Bash", ruleContent: "rm:*" }, { toolName: "Write" }];
  expect(about(rules)?.alwaysFor).toBe("Bash(rm:*), Write");
  expect(about(Array.from({ length: 400 }, () => ({ toolName: "Read" })))).not.toHaveProperty("always");
});

test("without a suggestion there is no always", () => {
  expect(claudeTalk("x").read(asked()).question).not.toHaveProperty("always");
});

test("another request is answered with an error, so that it does not wait, and nonsense with nothing", () => {
  const talk = claudeTalk("x");
  const { reply = "{}" } = talk.read(
    '{"type":"control_request","request_id":"r2","request":{"subtype":"hook_callback"}}',
  );
  expect(JSON.parse(reply)).toMatchObject({ response: { subtype: "error", request_id: "r2" } });
  for (const line of ["", "null", "[]", "x", '{"type":"control_request"}'])
    expect(talk.read(line).question).toBeUndefined();
});

test("it is told to stop its turn, which then ends so, whatever the version calls that", () => {
  const talk = claudeTalk("x");
  expect(JSON.parse(talk.interrupt?.() ?? "{}")).toMatchObject({
    ...{ type: "control_request", request: { subtype: "interrupt" } },
  });
  for (const is_error of [true, false]) {
    const line = JSON.stringify({ type: "result", subtype: "error_during_execution", is_error });
    const [end] = talk.read(line).events;
    expect(end).toMatchObject({ type: "ended", status: "interrupted" });
    expect(end).not.toHaveProperty("failure");
  }
});

test("what it had not heard when it was stopped is taken back, and begins no turn where that cannot be", () => {
  const talk = claudeTalk("x");
  const uuid = JSON.parse(talk.say("more") ?? "{}").uuid;
  const [cancel, stop] = (talk.interrupt?.() ?? "").split("\n").map((line) => JSON.parse(line));
  expect([cancel, stop]).toMatchObject([
    { request: { subtype: "cancel_async_message", message_uuid: uuid } },
    { request: { subtype: "interrupt" } },
  ]);
  // An older version does not answer that, and begins a turn: it is stopped, too.
  const began = JSON.stringify({ type: "system", subtype: "init", session_id: "s" });
  expect(talk.mayBegin?.()).toBe(true);
  expect(JSON.parse(talk.read(began).reply ?? "{}")).toMatchObject({ request: { subtype: "interrupt" } });
  const response = { request_id: cancel.request_id, response: { cancelled: true } };
  const answered = talk.read(JSON.stringify({ type: "control_response", response }));
  expect(answered.events).toMatchObject([{ type: "note", text: expect.stringContaining("not been heard") }]);
  expect([talk.mayBegin?.(), talk.read(began).reply]).toEqual([false, undefined]);
});

test("what is said once it was stopped begins a turn that is left alone", () => {
  const talk = claudeTalk("x");
  talk.say("more");
  talk.interrupt?.();
  talk.say("instead");
  const began = JSON.stringify({ type: "system", subtype: "init", session_id: "s" });
  expect([talk.mayBegin?.(), talk.read(began).reply]).toEqual([false, undefined]);
});

test("its name for the conversation is heard", () => {
  const line = JSON.stringify({ type: "system", subtype: "init", session_id: "0a-1" });
  expect(claudeTalk("x").read(line).conversation).toBe("0a-1");
});
