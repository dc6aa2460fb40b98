import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { resultsOf, serveMessages, startAgent, use } from "../../test/helpers/messages-api.ts";
import { until } from "../../test/helpers/run-workcell.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";

const all = ["--allowedTools", "Bash,Edit,Write"];

test("the agent asks, makes the calls and answers; each request carries what came before", async () => {
  const api = await serveMessages([
    { text: "I look.", uses: [use("Bash", { command: "echo hi" }), use("Glob", { pattern: "*" })] },
    { text: "All done." },
  ]);
  const agent = startAgent(["--json", ...all, "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(agent.lines().map(({ type }) => type)).toEqual([
    ...["started", "text", "message", "tool", "tool-ended", "tool", "tool-ended", "text", "message", "ended"],
  ]);
  expect(resultsOf(api.requests[1])).toEqual([
    { type: "tool_result", tool_use_id: "id-Bash", content: "hi" },
    expect.objectContaining({ tool_use_id: "id-Glob", cache_control: { type: "ephemeral" } }),
  ]);
  expect(api.requests[0]?.tools?.map(({ name }) => name)).toEqual([
    "Task",
    "Bash",
    "Glob",
    "Grep",
    "Read",
    "Edit",
    "Write",
  ]);
  expect(api.requests[0]).toMatchObject({
    model: "claude-opus-4-5-20251101",
    system: [{ cache_control: { type: "ephemeral" } }],
  });
  expect(api.requests[0]?.headers).toMatchObject({ "x-api-key": "placeholder" });
  expect(api.requests[0]?.headers).not.toHaveProperty("authorization");
  expect(agent.find("ended")).toMatchObject({
    ...{ status: "done", text: "All done.", turns: 2, denials: [] },
    models: {
      "claude-opus-4-5-20251101": { tokens: { input_tokens: 20, output_tokens: 10 }, costUsd: 0.00035 },
    },
  });
});

test("calls that change nothing run side by side, the others in turn", async () => {
  const slow = "sleep 0.3";
  const folder = tempFolder();
  writeFileSync(path.join(folder, "file"), "a");
  const reads = ["1", "2", "3"].map((id) =>
    use("Task", { description: "d", prompt: `sub ${id}`, subagent_type: "general-purpose" }, id),
  );
  let open = 0;
  let most = 0;
  const api = await serveMessages([
    { uses: reads },
    ...Array.from({ length: 3 }, () => () => {
      open += 1;
      most = Math.max(most, open);
      return { uses: [use("Bash", { command: slow })] };
    }),
    { text: "done" },
  ]);
  const agent = startAgent(["--json", ...all, "do it"], { ...api, folder });
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  // All three sub-agents had asked before one of them was done.
  expect(most).toBe(3);
  const subs = agent.lines().filter(({ type, parent }) => type === "tool" && parent !== null);
  expect(subs.map(({ parent }) => parent).sort()).toEqual(["1", "2", "3"]);
});

test("a sub-agent has tools of its own kind, no Task, and its tokens count", async () => {
  const api = await serveMessages([
    { uses: [use("Task", { description: "d", prompt: "find", subagent_type: "Explore" })] },
    { text: "found it" },
    { text: "thanks" },
  ]);
  const agent = startAgent(["--json", "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(api.requests[1]?.tools?.map(({ name }) => name)).toEqual(["Glob", "Grep", "Read"]);
  expect(api.requests[1]?.messages).toHaveLength(1);
  expect(resultsOf(api.requests[2])).toMatchObject([{ content: "found it" }]);
  expect(agent.find("ended")).toMatchObject({
    models: { "claude-opus-4-5-20251101": { tokens: { input_tokens: 30 } } },
  });
});

test("what no rule allows is refused when nobody can be asked, and the exit code says so", async () => {
  const api = await serveMessages([{ uses: [use("Bash", { command: "touch x" })] }, { text: "a pity" }]);
  const agent = startAgent(["--json", "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(3);
  expect(readdirSync(agent.folder)).toEqual([]);
  expect(resultsOf(api.requests[1])).toMatchObject([
    { is_error: true, content: expect.stringContaining("no rule allows Bash") },
  ]);
  expect(agent.find("ended")).toMatchObject({ denials: [{ name: "Bash", input: { command: "touch x" } }] });
});

test("a call that a sub-agent was refused counts as well", async () => {
  const sub = { description: "d", prompt: "p", subagent_type: "general-purpose" };
  const api = await serveMessages([
    { uses: [use("Task", sub)] },
    { uses: [use("Bash", { command: "x" })] },
    { text: "no" },
    { text: "ok" },
  ]);
  const agent = startAgent(["--json", "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(3);
  expect(agent.find("ended")).toMatchObject({ denials: [{ name: "Bash" }] });
});

test("a person at the terminal is asked, once, always, or answers with what is wanted instead", async () => {
  const touch = (name: string) => ({ uses: [use("Bash", { command: `touch ${name}` })] });
  const api = await serveMessages([touch("a"), touch("b"), touch("c"), touch("d"), { text: "ok" }]);
  const agent = startAgent(["do it"], { ...api, terminal: true });
  for (const [asked, answer] of ["y", "rather not", "always"].entries()) {
    await until(() => agent.texts.err.split("? Bash").length === asked + 2, 5000);
    agent.type(answer);
  }
  expect(await agent.ended).toBe(0);
  expect(agent.texts.err).toContain('? Bash {"command":"touch c"}');
  expect(readdirSync(agent.folder).sort()).toEqual(["a", "c", "d"]);
  expect(resultsOf(api.requests[2])).toMatchObject([
    { content: "Not permitted: The person says: rather not" },
  ]);
});

test("what was typed before an interrupt and not heard is dropped; what is typed after it is the next turn", async () => {
  const busy = { uses: [use("Bash", { command: "echo up > mark; sleep 100" })] };
  const api = await serveMessages([busy, { text: "ok" }]);
  const agent = startAgent([...all, "do it"], { ...api, terminal: true });
  await until(() => readdirSync(agent.folder).includes("mark"), 5000);
  agent.type("too early");
  await new Promise((resolve) => setTimeout(resolve, 50));
  agent.signal("SIGINT");
  await until(() => agent.texts.out.includes("had not been heard"), 5000);
  expect(api.requests).toHaveLength(1);
  agent.type("instead");
  expect(await agent.ended).toBe(0);
  expect(JSON.stringify(api.requests.at(-1)?.messages)).toMatch(/^(?!.*too early).*instead/);
});

test("a background command's end is told to the model with the next results", async () => {
  const api = await serveMessages([
    { uses: [use("Bash", { command: "echo far", run_in_background: true })] },
    { uses: [use("Bash", { command: "sleep 0.5" })] },
    { text: "ok" },
  ]);
  const agent = startAgent(["--json", ...all, "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(JSON.stringify(api.requests[2]?.messages.at(-1))).toMatch(
    /Background command \d+ .* has ended: exit code 0/,
  );
});

test("broken calls are answered so that the model can mend them", async () => {
  const api = await serveMessages([
    {
      uses: [
        use("Read", '{"file_path": "a', "1"),
        use("Read", "[]", "2"),
        use("Read", { path: "a" }, "3"),
        use("Reed", { file_path: "a" }, "4"),
        use("Read", { file_path: "a", limit: 0 }, "5"),
      ],
    },
    { text: "ok" },
  ]);
  const agent = startAgent(["--json", "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(
    resultsOf(api.requests[1]).map(({ content, is_error }) => [is_error, `${content}`.slice(0, 45)]),
  ).toEqual([
    [true, 'The tool\'s input was not JSON: {"file_path": '],
    [true, "The tool's input was not a JSON object: []"],
    [true, "The parameter `path` is unknown; there are: f"],
    [true, 'There is no tool "Reed"; there are: Task, Bas'],
    [true, "The parameter `limit` is 0; it must be from 1"],
  ]);
});

test("a call that was cut by the answer's longest length is not made", async () => {
  const api = await serveMessages([
    { uses: [use("Bash", { command: "touch x" })], stop: "max_tokens" },
    { text: "half a", stop: "max_tokens" },
    { text: "sentence" },
  ]);
  const agent = startAgent(["--json", ...all, "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(readdirSync(agent.folder)).toEqual([]);
  expect(resultsOf(api.requests[1])).toMatchObject([
    { is_error: true, content: expect.stringContaining("longest length") },
  ]);
  expect(api.requests).toHaveLength(3);
});

test("the first interruption stops the turn, and a later run goes on where it stopped", async () => {
  const api = await serveMessages([
    { uses: [use("Bash", { command: "echo begun; sleep 600" })] },
    { text: "on again" },
  ]);
  const agent = startAgent(["--json", ...all, "do it"], api);
  agent.closeInput();
  const { session } = await agent.seen("started");
  await agent.seen("tool");
  agent.signal("SIGINT");
  expect(await agent.ended).toBe(130);
  expect(agent.find("ended")).toMatchObject({ status: "interrupted" });
  const later = startAgent(["--json", "--resume", `${session}`, "go on"], { ...api, home: agent.home });
  later.closeInput();
  expect(await later.ended).toBe(0);
  const roles = api.requests[1]?.messages.map(({ role }) => role);
  expect(roles).toEqual(["user", "assistant", "user"]);
  const said = JSON.stringify(api.requests[1]?.messages.at(-1));
  for (const text of ["[Interrupted by the person]", "[The person interrupted the work here]", "go on"])
    expect(said).toContain(text);
});

test("a person is told when it is for them to type, and nobody else is", async () => {
  const api = await serveMessages([{ text: "thinking", hangs: true }]);
  const agent = startAgent([], { ...api, terminal: true });
  expect(agent.texts.err).toMatch(/^Type a task and press Enter\. .*\n$/);
  agent.type("do it");
  await until(() => agent.texts.out.includes("thinking"), 5000);
  agent.signal("SIGINT");
  await until(() => agent.texts.err.includes("Type what to do instead, or press Ctrl-C again"), 5000);
  agent.signal("SIGINT");
  expect(await agent.ended).toBe(130);
  const task = startAgent(["do it"], { ...(await serveMessages([{ text: "ok" }])), terminal: true });
  expect([await task.ended, task.texts.err]).toEqual([0, ""]);
});

test("a failure is told a person with its remedy before what it took", async () => {
  const api = await serveMessages([{ status: 401, error: "no such key" }]);
  const agent = startAgent(["do it"], { ...api, terminal: true });
  expect(await agent.ended).toBe(1);
  const [failed, remedy, spent] = agent.texts.out.split("\n").slice(-4);
  expect(failed).toBe(
    `Failed: The model's endpoint refused the credential. ${api.url} answered 401: no such key`,
  );
  expect(remedy).toMatch(/^ {2}remedy: Check the key/);
  expect(spent).toMatch(/^ {2}spent: 0 tokens in/);
});

test("the second interruption ends the agent, also when the model hangs", async () => {
  const api = await serveMessages([{ text: "thinking", hangs: true }]);
  const agent = startAgent(["--stream-json", "do it"], api);
  await agent.seen("system");
  agent.signal("SIGINT");
  await agent.seen("result");
  agent.signal("SIGINT");
  expect(await agent.ended).toBe(130);
});

test("a conversation of which a call was never answered can be resumed", async () => {
  const api = await serveMessages([{ text: "ok" }]);
  const home = tempFolder();
  const folder = path.join(home, ".workcell-agent/sessions");
  mkdirSync(folder, { recursive: true });
  const lines = [
    { message: { role: "user", content: [{ type: "text", text: "do" }] } },
    {
      message: {
        role: "assistant",
        content: [{ type: "tool_use", id: "x", name: "Bash", input: { command: "y" } }],
      },
    },
  ].map((line) => JSON.stringify(line));
  writeFileSync(path.join(folder, "old.jsonl"), `${lines.join("\n")}\n{"message": {"role": "us`);
  const agent = startAgent(["--json", "--continue", "and?"], { ...api, home });
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(resultsOf(api.requests[0])).toMatchObject([{ tool_use_id: "x", is_error: true }]);
  const missing = startAgent(["--resume", "../../etc/passwd", "x"], { ...api, home });
  expect(await missing.ended).toBe(1);
  expect(missing.texts.err).toContain("No conversation is kept");
});

test("a conversation that fills the context is summed up, and goes on from the summary", async () => {
  const api = await serveMessages([
    { text: "much", tokens: 9000, uses: [use("Bash", { command: "echo x" })] },
    { text: "SUMMARY", tokens: 9100 },
    { text: "done", tokens: 100 },
  ]);
  const agent = startAgent(["--json", "--context-tokens", "10000", ...all, "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(agent.find("compacted")).toMatchObject({ why: "full", tokensBefore: 9005 });
  expect(JSON.stringify(api.requests[1]?.messages.at(-1))).toContain("Call no tool");
  expect(api.requests[2]?.messages).toHaveLength(1);
  expect(JSON.stringify(api.requests[2]?.messages)).toContain("SUMMARY");
  const kept = path.join(
    agent.home,
    ".workcell-agent/sessions",
    `${agent.find("started")?.["session"]}.jsonl`,
  );
  expect(readFileSync(kept, "utf8")).toContain('{"restart":[');
});

test("a conversation that the endpoint finds too long is cut and summed up", async () => {
  const api = await serveMessages([
    { uses: [use("Bash", { command: "seq 1 5000" })] },
    { status: 400, error: "prompt is too long: 210000 tokens > 200000 maximum" },
    { text: "SUMMARY" },
    { text: "done" },
  ]);
  const agent = startAgent(["--json", ...all, "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(JSON.stringify(resultsOf(api.requests[2]))).toContain("more characters, left out");
  expect(agent.find("ended")).toMatchObject({ status: "done", text: "done" });
});

test("CLAUDE.md, AGENTS.md and skills are told to the model, and the settings beside them are not", async () => {
  const api = await serveMessages([{ text: "ok" }]);
  const folder = tempFolder();
  mkdirSync(path.join(folder, ".claude/skills/sums"), { recursive: true });
  writeFileSync(path.join(folder, "CLAUDE.md"), "Count in pennies.");
  writeFileSync(path.join(folder, "AGENTS.md"), "Be brief.");
  writeFileSync(
    path.join(folder, ".claude/skills/sums/SKILL.md"),
    "---\nname: sums\ndescription: Adds up\n---\nBODY",
  );
  writeFileSync(
    path.join(folder, ".claude/settings.json"),
    '{"permissions": {"allow": ["Bash"]}, "hooks": {}}',
  );
  const agent = startAgent(["--json", "do it"], { ...api, folder });
  agent.closeInput();
  await agent.ended;
  const system = api.requests[0]?.system.map(({ text }) => text).join("\n") ?? "";
  for (const text of ["Count in pennies.", "Be brief.", "- sums: Adds up ("]) expect(system).toContain(text);
  for (const text of ["BODY", "permissions"]) expect(system).not.toContain(text);
  const without = startAgent(["--json", "--setting-sources", "", "do it"], { ...api, folder });
  without.closeInput();
  await without.ended;
  expect(JSON.stringify(api.requests[1]?.system)).not.toContain("pennies");
});

test("a person is told when another model answers than was asked for", async () => {
  const api = await serveMessages([{ text: "hi", model: "other" }]);
  const agent = startAgent(["--model", "wanted", "do it"], api);
  agent.closeInput();
  await agent.ended;
  expect(agent.texts.out).toContain("hi\n! The model that answers is other\n");
});

test("a person sees each call on a line, the numbers at the end, and nothing that steers the terminal", async () => {
  const api = await serveMessages([
    { text: "I \u001b[2Jlook.", uses: [use("Bash", { command: "printf 'a\\033]0;x\\007b'" })] },
    { text: "Done it." },
  ]);
  const agent = startAgent([...all, "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(agent.texts.out).toContain(
    "I \\u001b[2Jlook.\n> Bash printf 'a\\033]0;x\\007b'\n  Bash: a\\u001b]0;x\\u0007b\nDone it.\n",
  );
  expect(agent.texts.out).toMatch(/Done: 20 tokens in \(0 cached\), 10 out, \$0\.0003, \d+\.\d s\n$/);
});

test.each([
  [["--modle", "x"], 'The flag "--modle" is unknown. Is --model meant?'],
  [["--model"], 'The flag "--model" needs a value.'],
  [["--max-turns", "no", "x"], 'The flag --max-turns is "no"'],
  [["a", "b"], "There are 2 tasks"],
  [["--output-format", "xml", "x"], "it must be one of: text, json, stream-json"],
])("%j: %s", async (words, message) => {
  const agent = startAgent(words, { url: "http://127.0.0.1:1" });
  agent.closeInput();
  expect(await agent.ended).toBe(1);
  expect(agent.texts.err).toContain(message);
});

test("--max-turns ends a work that goes round in circles", async () => {
  const api = await serveMessages([{ uses: [use("Glob", { pattern: "*" })] }]);
  const agent = startAgent(["--json", "--max-turns", "3", "do it"], api);
  agent.closeInput();
  expect(await agent.ended).toBe(1);
  expect(agent.find("ended")).toMatchObject({ status: "max-turns", turns: 3 });
  expect(api.requests).toHaveLength(3);
});
