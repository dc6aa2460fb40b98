import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { resultsOf, serveMessages, startAgent, use } from "../../../test/helpers/messages-api.ts";

/** The words with which a host starts Claude Code. */
const words = [
  ...["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"],
  ...["--permission-prompt-tool", "stdio", "--model", "some-model", "--max-turns", "20"],
];

const user = (content: unknown) => ({
  ...{ type: "user", message: { role: "user", content }, parent_tool_use_id: null, session_id: "" },
});
const request = (id: string, body: object) => ({ type: "control_request", request_id: id, request: body });
const answer = (line: { readonly [key: string]: unknown }, response: object) => ({
  type: "control_response",
  response: { subtype: "success", request_id: line["request_id"], response },
});
const touch = use("Bash", { command: "touch made" });

test("a whole conversation in Claude Code's dialect", async () => {
  const api = await serveMessages([{ text: "I make it.", uses: [touch] }, { text: "Made." }]);
  const host = startAgent(words, api);
  host.say(request("1", { subtype: "initialize", hooks: {}, sdkMcpServers: [] }));
  const initialized = await host.seen("control_response");
  expect(initialized["response"]).toMatchObject({
    subtype: "success",
    request_id: "1",
    response: { commands: [] },
  });
  host.say(user("make it"));
  const question = await host.seen("control_request");
  expect(question["request"]).toMatchObject({
    ...{
      subtype: "can_use_tool",
      tool_name: "Bash",
      input: { command: "touch made" },
      tool_use_id: "id-Bash",
    },
    permission_suggestions: [{ type: "addRules", rules: [{ toolName: "Bash", ruleContent: "touch made" }] }],
  });
  host.say(answer(question, { behavior: "allow", updatedInput: { command: "touch other" } }));
  const result = await host.seen("result");
  expect(existsSync(path.join(host.folder, "other"))).toBe(true);
  expect(existsSync(path.join(host.folder, "made"))).toBe(false);
  expect(result).toMatchObject({
    ...{ subtype: "success", is_error: false, num_turns: 2, result: "Made.", permission_denials: [] },
    usage: { input_tokens: 20, output_tokens: 10 },
    modelUsage: { "some-model": { inputTokens: 20, outputTokens: 10 } },
  });
  const [init, ...rest] = host.lines().filter(({ type }) => !type.startsWith("control"));
  expect(init).toMatchObject({
    ...{ type: "system", subtype: "init", cwd: host.folder, model: "some-model", permissionMode: "default" },
    tools: ["Task", "Bash", "Glob", "Grep", "Read", "Edit", "Write"],
  });
  expect(rest.map(({ type }) => type)).toEqual(["assistant", "assistant", "user", "assistant", "result"]);
  expect(rest[0]).toMatchObject({
    message: { role: "assistant", content: [{ type: "text", text: "I make it." }] },
  });
  expect(new Set(rest.map((line) => line["session_id"]))).toEqual(new Set([init?.["session_id"]]));
  host.say(user([{ type: "text", text: "and again" }]));
  host.closeInput();
  expect(await host.ended).toBe(0);
  expect(api.requests.at(-1)?.messages).toHaveLength(5);
});

test("what the host denies is not made, and stands in the result", async () => {
  const api = await serveMessages([{ uses: [touch] }, { text: "a pity" }]);
  const host = startAgent(words, api);
  host.say(user("make it"));
  host.say(answer(await host.seen("control_request"), { behavior: "deny", message: "not today" }));
  expect(await host.seen("result")).toMatchObject({
    ...{ subtype: "success", is_error: false },
    permission_denials: [
      { tool_name: "Bash", tool_use_id: "id-Bash", tool_input: { command: "touch made" } },
    ],
  });
  expect(resultsOf(api.requests[1])).toMatchObject([{ is_error: true, content: "Not permitted: not today" }]);
  expect(existsSync(path.join(host.folder, "made"))).toBe(false);
});

test("an answer that is no answer allows nothing, and neither does a host that goes away", async () => {
  const api = await serveMessages([{ uses: [touch] }, { uses: [touch] }, { text: "a pity" }]);
  const host = startAgent(words, api);
  host.say(user("make it"));
  const first = await host.seen("control_request");
  host.say({
    type: "control_response",
    response: { subtype: "error", request_id: first["request_id"], error: "broken" },
  });
  await host.seen("user");
  host.closeInput();
  expect(await host.ended).toBe(0);
  expect(existsSync(path.join(host.folder, "made"))).toBe(false);
});

test("a question that comes up after the host has gone is answered with no", async () => {
  const api = await serveMessages([
    { uses: [use("Bash", { command: "sleep 0.5" })] },
    { uses: [touch] },
    { text: "ok" },
  ]);
  const host = startAgent([...words, "--allowedTools", "Bash(sleep:*)"], api);
  host.say(user("make it"));
  host.closeInput();
  expect(await host.ended).toBe(0);
  expect(resultsOf(api.requests[2])).toMatchObject([
    { content: expect.stringContaining("the host has gone") },
  ]);
});

test("a command with a star in it is never suggested as a rule, which would allow others too", async () => {
  const api = await serveMessages([{ uses: [use("Bash", { command: "ls *" })] }, { text: "ok" }]);
  const host = startAgent(words, api);
  host.say(user("list"));
  const question = await host.seen("control_request");
  expect(question["request"]).toMatchObject({ permission_suggestions: [] });
  host.say(answer(question, { behavior: "allow" }));
  host.closeInput();
  expect(await host.ended).toBe(0);
});

test("a rule that the host adds spares the next question; a mode that it sets counts", async () => {
  const api = await serveMessages([{ uses: [touch] }, { uses: [touch] }, { text: "ok" }]);
  const host = startAgent(words, api);
  host.say(user("make it"));
  const rules = [{ toolName: "Bash", ruleContent: "touch made" }];
  const updatedPermissions = [{ type: "addRules", behavior: "allow", rules, destination: "session" }];
  host.say(answer(await host.seen("control_request"), { behavior: "allow", updatedPermissions }));
  await host.seen("result");
  expect(host.lines().filter(({ type }) => type === "control_request")).toHaveLength(1);
  host.say(request("m", { subtype: "set_permission_mode", mode: "plan" }));
  host.say(request("n", { subtype: "set_permission_mode", mode: "nonsense" }));
  host.say(request("o", { subtype: "set_model", model: "other-model" }));
  host.say(request("p", { subtype: "no_such_thing" }));
  host.say(user("again"));
  host.closeInput();
  expect(await host.ended).toBe(0);
  const said = host.lines().filter(({ type }) => type === "control_response");
  expect(said.map(({ response }) => (response as { subtype: string }).subtype)).toEqual([
    ...["success", "error", "success", "error"],
  ]);
  expect(api.requests.at(-1)?.model).toBe("other-model");
});

test("an interruption kills a running command and ends the turn; the next message begins another", async () => {
  const api = await serveMessages([{ uses: [use("Bash", { command: "sleep 600" })] }, { text: "on again" }]);
  const host = startAgent([...words, "--allowedTools", "Bash"], api);
  host.say(user("wait"));
  await host.seen("assistant");
  host.say(request("stop", { subtype: "interrupt" }));
  expect(await host.seen("result")).toMatchObject({ subtype: "error_during_execution", is_error: true });
  host.say(user("go on"));
  host.closeInput();
  expect(await host.ended).toBe(0);
  expect(host.lines().filter(({ type }) => type === "result")).toHaveLength(2);
});

test("a question that is open when the person interrupts is taken back", async () => {
  const api = await serveMessages([{ uses: [touch] }]);
  const host = startAgent(words, api);
  host.say(user("make it"));
  const { request_id } = await host.seen("control_request");
  host.say(request("stop", { subtype: "interrupt" }));
  expect(await host.seen("control_cancel_request")).toMatchObject({ request_id });
  expect(await host.seen("result")).toMatchObject({ subtype: "error_during_execution" });
});

test("what the person says while the agent works reaches the model with the next results", async () => {
  const api = await serveMessages([{ uses: [use("Bash", { command: "sleep 0.5" })] }, { text: "I heard" }]);
  const host = startAgent([...words, "--allowedTools", "Bash", "--replay-user-messages"], api);
  host.say(user("work"));
  await host.seen("assistant");
  host.say(user("in blue, please"));
  await host.seen("result");
  expect(JSON.stringify(api.requests[1]?.messages.at(-1))).toContain("in blue, please");
  expect(host.find("user", { isReplay: true })).toMatchObject({
    message: { content: [{ text: "in blue, please" }] },
  });
  expect(api.requests).toHaveLength(2);
});

test("a hook of the host sees every call before the question, and may refuse it or change it", async () => {
  const api = await serveMessages([
    { uses: [use("Read", { file_path: "secret" }), use("Bash", { command: "echo 1" })] },
    { text: "ok" },
  ]);
  const host = startAgent(words, api);
  const hooks = { PreToolUse: [{ matcher: "Read|Bash", hookCallbackIds: ["h0"] }] };
  host.say(request("1", { subtype: "initialize", hooks }));
  host.say(user("go"));
  const first = await host.seen("control_request");
  expect(first["request"]).toMatchObject({
    ...{ subtype: "hook_callback", callback_id: "h0", tool_use_id: "id-Read" },
    input: { hook_event_name: "PreToolUse", tool_name: "Read", tool_input: { file_path: "secret" } },
  });
  const denied = {
    hookEventName: "PreToolUse",
    permissionDecision: "deny",
    permissionDecisionReason: "no secrets",
  };
  host.say(answer(first, { hookSpecificOutput: denied }));
  await host.seen("user");
  const second = host.lines().findLast(({ type }) => type === "control_request") ?? first;
  const allowed = { permissionDecision: "allow", updatedInput: { command: "echo 2" } };
  host.say(answer(second, { hookSpecificOutput: allowed }));
  await host.seen("result");
  expect(resultsOf(api.requests[1])).toMatchObject([
    { content: "Not permitted: a hook of the host refuses it: no secrets" },
    { content: "2" },
  ]);
});

test("partial messages come when asked for, and rubbish on stdin is told on stderr and survived", async () => {
  const api = await serveMessages([{ text: "hello" }]);
  const host = startAgent([...words, "--include-partial-messages"], api);
  host.say([1] as unknown as object);
  host.say({ type: "nonsense" });
  host.say(user("hi"));
  host.closeInput();
  expect(await host.ended).toBe(0);
  expect(host.find("stream_event")).toMatchObject({ event: { type: "message_start" } });
  expect(host.texts.err).toMatch(/not a JSON object: \[1\]\n.*"nonsense" on stdin is not understood\n/);
});

test("--output-format json gives the result alone, and text the last words", async () => {
  const api = await serveMessages([{ text: "hello" }]);
  const json = startAgent(["-p", "--output-format", "json", "hi"], api);
  json.closeInput();
  expect(await json.ended).toBe(0);
  expect(json.lines()).toMatchObject([{ type: "result", result: "hello" }]);
  const text = startAgent(["-p", "hi"], api);
  text.closeInput();
  await text.ended;
  expect(text.texts.out).toBe("hello\n");
});
