import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClaudeSdk, installClaudeSdk, type Query, type QueryOptions } from "../helpers/claude-sdk.ts";
import { type Line, resultsOf, serveMessages, use } from "../helpers/messages-api.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

let sdk: ClaudeSdk;
let desk: Desk;
beforeAll(async () => {
  desk = makeDesk(people[0] ?? { name: "root" });
  sdk = await installClaudeSdk();
});
afterAll(() => {
  sdk[Symbol.dispose]();
  desk[Symbol.dispose]();
});

const touch = use("Bash", { command: "touch made" });
const allow: QueryOptions["canUseTool"] = async (_, input) => ({ behavior: "allow", updatedInput: input });

/** Options with which the SDK takes the built-in agent for Claude Code. */
const optionsFor = (url: string, more: Partial<QueryOptions> = {}): QueryOptions => ({
  pathToClaudeCodeExecutable: path.join(path.dirname(desk.program), "workcell-agent"),
  ...{ cwd: tempFolder(), model: "some-model" },
  env: {
    ...{ PATH: process.env["PATH"], HOME: tempFolder(), CLAUDE_CODE_MAX_RETRIES: "0" },
    ...{ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "placeholder" },
  },
  ...more,
});

/** All that comes, in its order. */
async function allOf(query: Query): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of query) lines.push(line);
  return lines;
}

/** What a person says in turn: `say` hands it over, `end` closes the conversation. */
function conversation() {
  const waiting: (string | undefined)[] = [];
  let wake = () => {};
  async function* messages(): AsyncGenerator<object> {
    for (;;) {
      if (waiting.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const content = waiting.shift();
      if (content === undefined) return;
      yield {
        type: "user",
        message: { role: "user", content },
        parent_tool_use_id: null,
        session_id: "",
      };
    }
  }
  const put = (text: string | undefined) => {
    waiting.push(text);
    wake();
  };
  return { messages: messages(), say: (text: string) => put(text), end: () => put(undefined) };
}

describe("the built-in agent as the Claude Agent SDK's Claude Code", () => {
  test("a query runs to its result; canUseTool and a hook are asked; every message is of the SDK's types", async ({
    skip,
  }) => {
    skip(sdk.problem !== "", sdk.problem);
    const api = await serveMessages([{ text: "I make it.", uses: [touch] }, { text: "Made." }]);
    const asked: unknown[] = [];
    const hooked: unknown[] = [];
    const options = optionsFor(api.url, {
      includePartialMessages: true,
      systemPrompt: { type: "preset", preset: "claude_code", append: "Count in pennies." },
      canUseTool: async (tool, input, { toolUseID }) => {
        asked.push([tool, input, toolUseID]);
        return { behavior: "allow", updatedInput: { command: "touch other" } };
      },
      hooks: {
        PreToolUse: [
          {
            matcher: "Bash",
            hooks: [
              async (event: { readonly tool_name: string }) => {
                hooked.push(event.tool_name);
                return {};
              },
            ],
          },
        ],
      },
    });
    const query = sdk.query({ prompt: "make it", options });
    const lines = await allOf(query);
    expect([asked, hooked]).toEqual([[["Bash", { command: "touch made" }, "id-Bash"]], ["Bash"]]);
    expect(existsSync(path.join(options.cwd, "other"))).toBe(true);
    expect(existsSync(path.join(options.cwd, "made"))).toBe(false);
    expect(lines.filter(({ type }) => type !== "stream_event").map(({ type }) => type)).toEqual([
      ...["system", "assistant", "assistant", "user", "assistant", "result"],
    ]);
    expect(lines.at(-1)).toMatchObject({ subtype: "success", result: "Made.", num_turns: 2 });
    expect(lines.some(({ type }) => type === "stream_event")).toBe(true);
    expect(api.requests[0]?.system.map(({ text }) => text).join("")).toContain("Count in pennies.");
    expect(api.requests[0]?.model).toBe("some-model");
    const initialized = await query.initializationResult();
    expect(sdk.typeFaults(lines, initialized)).toBe("");
    const broken = lines.map((line) => (line.type === "result" ? { ...line, num_turns: "2" } : line));
    expect(sdk.typeFaults(broken, initialized)).toMatch(
      /^messages\.ts.*Type 'string' is not assignable to type 'number'\.\n$/,
    );
  });

  test("interrupt() kills a running command; the conversation goes on, with another model and mode", async ({
    skip,
  }) => {
    skip(sdk.problem !== "", sdk.problem);
    const sleep = use("Bash", { command: "sleep 600" });
    const api = await serveMessages([{ uses: [sleep] }, { uses: [touch] }, { text: "on again" }]);
    const person = conversation();
    const options = optionsFor(api.url, { canUseTool: allow });
    const query = sdk.query({ prompt: person.messages, options });
    person.say("wait");
    const results: Line[] = [];
    for await (const line of query) {
      if (line.type === "assistant" && results.length === 0) await query.interrupt();
      if (line.type !== "result") continue;
      results.push(line);
      if (results.length === 2) break;
      await query.setModel("other-model");
      await query.setPermissionMode("plan");
      person.say("go on");
    }
    person.end();
    expect(results).toMatchObject([
      { subtype: "error_during_execution", is_error: true },
      { subtype: "success", result: "on again" },
    ]);
    expect(api.requests.at(-1)?.model).toBe("other-model");
    expect(resultsOf(api.requests.at(-1))).toMatchObject([
      { is_error: true, content: expect.stringContaining("in the mode plan nothing is changed") },
    ]);
    expect(existsSync(path.join(options.cwd, "made"))).toBe(false);
  });

  test("a denial, a resumed session, a limit in dollars, a failure: the SDK gets each as what it is", async ({
    skip,
  }) => {
    skip(sdk.problem !== "", sdk.problem);
    const api = await serveMessages([
      ...[{ uses: [touch] }, { text: "a pity" }, { text: "I remember." }],
      { model: "claude-opus-4-5", tokens: 1_000_000, uses: [touch] },
      { status: 401, error: "no such key" },
    ]);
    const options = optionsFor(api.url, {
      canUseTool: async () => ({ behavior: "deny", message: "not today" }),
    });
    const denied = (await allOf(sdk.query({ prompt: "make it", options }))).at(-1);
    expect(denied).toMatchObject({
      ...{ subtype: "success", result: "a pity" },
      permission_denials: [{ tool_name: "Bash", tool_use_id: "id-Bash" }],
    });
    const resume = denied?.["session_id"];
    const resumed = await allOf(sdk.query({ prompt: "remember?", options: { ...options, resume } }));
    expect(resumed.at(-1)).toMatchObject({ session_id: resume, result: "I remember." });
    expect(api.requests[2]?.messages).toHaveLength(5);
    const poor = await outcomeOf(
      sdk.query({ prompt: "make it", options: { ...options, maxBudgetUsd: 0.01 } }),
    );
    expect(poor.lines.at(-1)).toMatchObject({ subtype: "error_max_budget_usd", is_error: true });
    const failed = await outcomeOf(sdk.query({ prompt: "make it", options }));
    expect(failed.lines.at(-1)).toMatchObject({
      ...{ type: "result", is_error: true, result: expect.stringContaining("401") },
    });
    expect(api.requests).toHaveLength(5);
  });
});

/** What came, also when the SDK ends a failed query with an exception. */
async function outcomeOf(query: Query): Promise<{ readonly lines: Line[]; readonly error: unknown }> {
  const lines: Line[] = [];
  try {
    for await (const line of query) lines.push(line);
    return { lines, error: undefined };
  } catch (error) {
    return { lines, error };
  }
}

describe.each(people)("the built-in agent in its cell as the SDK's Claude Code, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("what the SDK drives is in a cell: no key inside, the folder in review, stdout the SDK's alone", async ({
    skip,
  }) => {
    skip(sdk.problem !== "", sdk.problem);
    const look = use("Bash", { command: "env | grep ^ANTHROPIC; cat /proc/1/comm; echo new >made" });
    const api = await serveMessages([{ uses: [look] }, { text: "Made." }]);
    const identity =
      person.uid === undefined ? "" : `setpriv --reuid ${person.uid} --regid ${person.uid} --clear-groups `;
    const words = `agent --stream-json -m ${desk.work}`;
    const executable = desk.file(
      "claude",
      `#!/bin/sh\nexec ${identity}env HOME=${desk.home} ${desk.program} ${words} -- "$@"\n`,
      0o755,
    );
    const asked: string[] = [];
    let told = "";
    const options = optionsFor(api.url, {
      ...{ pathToClaudeCodeExecutable: executable, cwd: desk.work, model: "a-certain-model" },
      env: {
        ...{ PATH: process.env["PATH"], CLAUDE_CODE_MAX_RETRIES: "0" },
        ...{ ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "sk-the-real-one" },
      },
      canUseTool: async (tool, input) => {
        asked.push(tool);
        return { behavior: "allow", updatedInput: input };
      },
      stderr: (text: string) => {
        told += text;
      },
    });
    const lines = await allOf(sdk.query({ prompt: "make it", options }));
    expect(lines.at(-1)).toMatchObject({ subtype: "success", result: "Made." });
    expect(asked).toEqual(["Bash"]);
    const [seen] = resultsOf(api.requests[1]);
    expect(seen?.["content"]).toContain("ANTHROPIC_API_KEY=workcell-placeholder");
    expect(JSON.stringify(lines)).not.toContain("sk-the-real-one");
    expect(api.requests[0]).toMatchObject({
      model: "a-certain-model",
      headers: { "x-api-key": "sk-the-real-one" },
    });
    expect(existsSync(path.join(desk.work, "made"))).toBe(false);
    expect(told).toContain("1 added");
    const session = /change waits in session (\S+):/.exec(told)?.[1] ?? "";
    expect((await desk.workcell(["apply", session])).code).toBe(0);
    expect(readFileSync(path.join(desk.work, "made"), "utf8")).toBe("new\n");
  });
});
