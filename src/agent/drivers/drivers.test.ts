import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { agentCommand, builtInProgram } from "./agent-command.ts";
import { agentDrivers, findDriver } from "./all-drivers.ts";
import { claudeEvents } from "./claude-events.ts";
import type { AgentDriver, AgentWork } from "./driver.ts";

const endpoint = { url: "http://model.workcell", variables: { ANTHROPIC_BASE_URL: "http://model.workcell" } };
const work: AgentWork = { task: "-- do it", output: "human", goesOn: false, asReference: false };
const seven = "Task,Bash,Glob,Grep,Read,Edit,Write";

function driverOf(name: string): AgentDriver {
  const found = findDriver(name);
  if (found === undefined) throw new Error(`There is no ${name}`);
  return found;
}
const wordsOf = (name: string, change: Partial<AgentWork> = {}) =>
  driverOf(name).start({ ...work, ...change }, endpoint).words;

test("the first driver is the built-in agent, and every other one is somebody's own install", () => {
  expect(agentDrivers.map(({ name }) => name)).toEqual(["workcell", "claude", "codex", "gemini", "opencode"]);
  expect(agentDrivers.filter(({ installed }) => installed === undefined)).toHaveLength(1);
});

test("a task is one word, whatever it begins with, and comes where no flag can be read out of it", () => {
  expect(wordsOf("workcell")).toEqual([`--allowedTools=${seven}`, "--", "-- do it"]);
  expect(wordsOf("codex").slice(-2)).toEqual(["--", "-- do it"]);
  expect(wordsOf("opencode").slice(-2)).toEqual(["--", "-- do it"]);
  expect(wordsOf("claude").slice(0, 2)).toEqual(["-p", "-- do it"]);
  expect(wordsOf("gemini").slice(0, 2)).toEqual(["-p", "-- do it"]);
});

test("without a task its own interface is started", () => {
  const { task: _, ...rest } = work;
  for (const { name, start } of agentDrivers) {
    const { words } = start(rest, endpoint);
    expect([name, words.filter((word) => ["-p", "exec", "run", "--"].includes(word))]).toEqual([name, []]);
  }
});

test("a conversation that is known by name is gone on with by that name", () => {
  const words = wordsOf("claude", { goesOn: true, conversation: "0a-1" });
  expect(words[words.indexOf("--resume") + 1]).toBe("0a-1");
  expect(words).not.toContain("--continue");
});

test("on a screen the task is the first thing said to its own interface", () => {
  for (const { name } of agentDrivers) {
    const words = wordsOf(name, { onScreen: true });
    expect([name, words.at(-1) === "-- do it" || words.includes("-i")]).toEqual([name, true]);
    expect(words.filter((word) => ["-p", "exec", "run"].includes(word))).toEqual([]);
  }
});

test("claude works as the reference does when it is asked to", () => {
  const words = wordsOf("claude", { asReference: true });
  expect(words).toEqual([
    ...["-p", "-- do it", "--output-format", "stream-json", "--verbose"],
    ...["--model", "claude-opus-4-5-20251101", "--tools", seven, "--allowedTools", seven],
    ...["--setting-sources", "user", "--strict-mcp-config"],
  ]);
  expect(wordsOf("claude", { asReference: true, model: "other" })).toContain("other");
  expect(wordsOf("claude")).not.toContain("--tools");
});

describe.each(agentDrivers)("$name", (driver) => {
  test("takes a model, goes on with a conversation, and holds no credential but a placeholder", () => {
    const { words, environment } = driver.start({ ...work, model: "some-model", goesOn: true }, endpoint);
    expect(words.join(" ")).toContain("some-model");
    expect(words.join(" ")).toMatch(/--continue|resume/);
    const keys = Object.entries(environment).filter(([name]) => /KEY|TOKEN/.test(name));
    expect(keys.map(([, value]) => value)).toEqual(keys.map(() => "workcell-placeholder"));
  });
  test("never skips its permissions by a flag that says so", () => {
    expect(driver.start(work, endpoint).words.filter((word) => /dangerously/.test(word))).toEqual([]);
  });
});

test("what is asked before it is done is said in each agent's own words, and nothing is when nothing was said", () => {
  const approval = (change: Partial<AgentWork>) => {
    const words = wordsOf("gemini", change);
    return words[words.indexOf("--approval-mode") + 1];
  };
  expect([approval({}), approval({ permissionMode: "acceptEdits" })]).toEqual(["yolo", "auto_edit"]);
  const permission = (change: Partial<AgentWork>) =>
    JSON.parse(
      driverOf("opencode").start({ ...work, ...change }, endpoint).environment["OPENCODE_CONFIG_CONTENT"] ??
        "",
    ).permission;
  expect(permission({})).toEqual({ "*": "allow" });
  expect(permission({ permissionMode: "default" })).toMatchObject({ edit: "ask", bash: "ask" });
});

test("agentCommand() writes a home's files before it becomes the agent, and brings the program", () => {
  const program = builtInProgram("/usr/bin/node", "/opt/workcell/workcell-agent.js");
  const own = agentCommand({ driver: driverOf("workcell"), program, work, endpoint });
  expect(own.command.slice(0, 2)).toEqual(["/usr/bin/node", "/run/workcell/workcell-agent.js"]);
  expect(own.kit.files).toMatchObject([{ source: "/opt/workcell/workcell-agent.js" }]);
  const claude = { command: ["/usr/bin/claude"], files: [] };
  const other = agentCommand({ driver: driverOf("claude"), program: claude, work, endpoint });
  expect(other.command.slice(0, 2)).toEqual(["/bin/sh", "-c"]);
  expect(other.command.slice(4, 8)).toEqual([
    ".claude.json",
    expect.stringMatching(/^\{"hasCompletedOnboarding":true,"customApiKeyResponses":.*\}\n$/),
    ...["--", "/usr/bin/claude"],
  ]);
});

test("agentCommand() ends where the agent would read settings of the folder's, or of one above; nothing in their place is no matter", () => {
  const home = mkdtempSync(path.join(tmpdir(), "workcell-covered-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const cwd = path.join(home, "above/work");
  mkdirSync(cwd, { recursive: true });
  const program = { command: ["/bin/echo", "started"], files: [] };
  const { command } = agentCommand({ driver: driverOf("opencode"), program, work, endpoint });
  const [sh = "", ...words] = command;
  const start = () => {
    const { status, stdout, stderr } = spawnSync(sh, words, { cwd, env: { HOME: home }, encoding: "utf8" });
    return { status, stderr, isStarted: stdout.startsWith("started") };
  };
  for (const folder of ["above/.opencode", "above/work/.opencode"]) {
    mkdirSync(path.join(home, folder));
    expect(start()).toEqual({ status: 0, stderr: "", isStarted: true });
    writeFileSync(path.join(home, folder, "any"), "");
    expect(start()).toMatchObject({ status: 125, isStarted: false });
    rmSync(path.join(home, folder, "any"));
  }
  writeFileSync(path.join(cwd, "opencode.json"), "");
  expect(start().status).toBe(0);
  writeFileSync(path.join(cwd, "opencode.json"), "{}");
  expect(start().stderr).toContain(`take "${cwd}/opencode.json" into account`);
  rmSync(path.join(cwd, "opencode.json"));
  symlinkSync("config", path.join(cwd, "opencode.jsonc"));
  expect(start().status).toBe(0);
  writeFileSync(path.join(cwd, "config"), "{}");
  expect(start().status).toBe(125);
});

describe("claudeEvents()", () => {
  const read = (...lines: readonly object[]) => {
    const eventsOf = claudeEvents();
    return lines.flatMap((line) => eventsOf(JSON.stringify(line)));
  };
  test("reads a whole turn", () => {
    const use = { type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" } };
    const result = { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "a" }] };
    const events = read(
      { type: "system", subtype: "init", session_id: "s", model: "m", cwd: "/w" },
      { type: "assistant", message: { model: "other", content: [{ type: "text", text: "Look" }, use] } },
      { type: "user", parent_tool_use_id: null, message: { content: [result] } },
      {
        type: "result",
        is_error: false,
        result: "Done",
        duration_ms: 5,
        modelUsage: { m: { inputTokens: 3 } },
      },
    );
    expect(events.map(({ type }) => type)).toEqual([
      ...["started", "message", "stream", "stream", "tool", "tool-ended", "ended"],
    ]);
    expect(events.at(5)).toMatchObject({ name: "Bash", result: { is_error: false } });
    expect(events.at(6)).toMatchObject({ status: "done", models: { m: { tokens: { input_tokens: 3 } } } });
  });
  test("makes nothing of what it does not know, and never throws", () => {
    const eventsOf = claudeEvents();
    for (const line of ["", "no json", "null", "[]", '{"type":"assistant"}', '{"type":"user","message":1}'])
      expect(eventsOf(line)).toEqual([]);
    expect(eventsOf('{"type":"result"}')).toMatchObject([{ type: "ended", status: "done" }]);
  });
  test.each([
    [{ result: "401" }, "broken", /--json/],
    [{ result: "Invalid", api_error_status: 401 }, "unauthorised", /on the host/],
    [{ result: "API Error: 404 no such model" }, "unknown-model", /--model NAME/],
    [{ result: "Long", terminal_reason: "prompt_too_long" }, "too-long", /--session NAME/],
    [{ result: "API Error: Request rejected (429) · slow" }, "rate-limited", /Wait/],
    [{ result: "API Error: 502 Workcell's gate could not carry this out: a" }, "unreachable", /address/],
  ])("says that a turn failed, and what can be done: %j", (line, kind, remedy) => {
    expect(read({ type: "result", is_error: true, ...line })).toMatchObject([
      {
        status: "failed",
        failure: { kind, message: line.result, remedy: expect.stringMatching(remedy) },
      },
    ]);
  });
});
