import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { InitializeResponse } from "@agentclientprotocol/sdk";
import { methods } from "@agentclientprotocol/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Editor, startEditor } from "../helpers/acp-editor.ts";
import { resultsOf, serveMessages, use } from "../helpers/messages-api.ts";
import { type Desk, makeDesk, people, until } from "../helpers/run-workcell.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const { session } = methods.agent;

/** What an editor says first. */
const greet = (editor: Editor): Promise<InitializeResponse> =>
  editor.agent.request(methods.agent.initialize, {
    protocolVersion: 1,
    clientCapabilities: { fs: { readTextFile: true, writeTextFile: true } },
    clientInfo: { name: "test", version: "1" },
  });
const say = (editor: Editor, sessionId: string, text: string) =>
  editor.agent.request(session.prompt, { sessionId, prompt: [{ type: "text", text }] });
const touch = use("Bash", { command: "touch made" });

describe("the built-in agent behind the ACP library's client", () => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(people[0] ?? { name: "root" });
  });
  afterAll(() => desk[Symbol.dispose]());

  type How = { readonly url: string; readonly home?: string; readonly cwd?: string };
  const start = (
    { url, home = tempFolder(), cwd = tempFolder() }: How,
    answer?: Parameters<typeof startEditor>[1]["answer"],
  ) => {
    const env = {
      ...{ PATH: process.env["PATH"] ?? "", HOME: home, CLAUDE_CODE_MAX_RETRIES: "0" },
      ...{ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "placeholder" },
    };
    const program = path.join(path.dirname(desk.program), "workcell-agent");
    const editor = startEditor([program, "--acp"], { cwd, env, ...(answer === undefined ? {} : { answer }) });
    return { ...editor, cwd, home };
  };
  const open = async (editor: Editor & { readonly cwd: string }) => {
    await greet(editor);
    return await editor.agent.request(session.new, { cwd: editor.cwd, mcpServers: [] });
  };

  test("a prompt: text as it comes, calls with what they change, a question, an answer, the end", async () => {
    const edit = use("Edit", { file_path: "notes.txt", old_string: "one", new_string: "two" });
    const api = await serveMessages([
      { text: "I look.", uses: [use("Read", { file_path: "notes.txt" })] },
      { uses: [edit, touch] },
      { text: "Done." },
    ]);
    const editor = start(api, () => "allow");
    writeFileSync(path.join(editor.cwd, "notes.txt"), "one\n");
    expect(await greet(editor)).toMatchObject({
      ...{ protocolVersion: 1, agentInfo: { name: "workcell-agent" } },
      agentCapabilities: { loadSession: true, promptCapabilities: { image: true, embeddedContext: true } },
    });
    const made = await editor.agent.request(session.new, { cwd: editor.cwd, mcpServers: [] });
    expect(made.modes).toMatchObject({ currentModeId: "default" });
    expect(await say(editor, made.sessionId, "change it")).toEqual({ stopReason: "end_turn" });
    const file = path.join(editor.cwd, "notes.txt");
    expect(readFileSync(file, "utf8")).toBe("two\n");
    expect(existsSync(path.join(editor.cwd, "made"))).toBe(true);
    expect(editor.text()).toBe("I look.Done.");
    const diff = { type: "diff", path: file, oldText: "one", newText: "two" };
    expect(editor.questions).toMatchObject([
      { toolCall: { toolCallId: "id-Edit", kind: "edit", content: [diff] } },
      {
        toolCall: { toolCallId: "id-Bash", kind: "execute", title: "touch made" },
        options: [
          { kind: "allow_once" },
          { kind: "allow_always", name: "Always allow Bash(touch made)" },
          { kind: "reject_once" },
        ],
      },
    ]);
    const calls = editor.updates.flatMap((update) =>
      update.sessionUpdate === "tool_call" || update.sessionUpdate === "tool_call_update"
        ? [`${update.toolCallId} ${update.status}`]
        : [],
    );
    expect(calls).toEqual(
      ["Read", "Edit", "Bash"].flatMap((name) =>
        ["pending", "in_progress", "completed"].map((status) => `id-${name} ${status}`),
      ),
    );
    expect(await editor.seen("tool_call")).toMatchObject({
      ...{ kind: "read", title: "Read notes.txt", locations: [{ path: file }] },
    });
    expect(await editor.seen("usage_update")).toMatchObject({ used: 15, size: 200_000 });
    editor.child.stdin?.end();
    expect([await editor.ended, editor.stderr()]).toEqual([0, ""]);
  });

  test("what the person rejects is not made; what is always allowed is not asked again", async () => {
    const api = await serveMessages([
      ...[{ uses: [touch] }, { text: "a pity" }, { uses: [touch] }, { uses: [touch] }, { text: "thanks" }],
    ]);
    let answer = "reject";
    const editor = start(api, () => answer);
    const { sessionId } = await open(editor);
    expect(await say(editor, sessionId, "make it")).toEqual({ stopReason: "end_turn" });
    expect(existsSync(path.join(editor.cwd, "made"))).toBe(false);
    answer = "always";
    await say(editor, sessionId, "make it");
    expect(existsSync(path.join(editor.cwd, "made"))).toBe(true);
    expect(editor.questions).toHaveLength(2);
  });

  test("a command with a star in it is never offered as a rule", async () => {
    const star = use("Bash", { command: "ls *" });
    const editor = start(await serveMessages([{ uses: [star] }, { text: "ok" }]), () => "always");
    const { sessionId } = await open(editor);
    await say(editor, sessionId, "list");
    expect(editor.questions[0]?.options.map(({ kind }) => kind)).toEqual(["allow_once", "reject_once"]);
  });

  test("session/cancel kills a running command, and ends a question that is open", async () => {
    const api = await serveMessages([
      ...[{ uses: [use("Bash", { command: "sleep 600" })] }, { uses: [touch] }, { text: "on again" }],
    ]);
    const editor = start(api);
    const { sessionId } = await open(editor);
    await editor.agent.request(session.setMode, { sessionId, modeId: "bypassPermissions" });
    const sleeping = say(editor, sessionId, "wait");
    const runs = () => editor.updates.some((update) => "status" in update && update.status === "in_progress");
    await until(runs, 10_000);
    await editor.agent.notify(session.cancel, { sessionId });
    expect(await sleeping).toEqual({ stopReason: "cancelled" });
    await editor.agent.request(session.setMode, { sessionId, modeId: "default" });
    const asking = say(editor, sessionId, "make it");
    await until(() => editor.questions.length === 1, 10_000);
    await editor.agent.notify(session.cancel, { sessionId });
    expect(await asking).toEqual({ stopReason: "cancelled" });
    expect(existsSync(path.join(editor.cwd, "made"))).toBe(false);
    expect(await say(editor, sessionId, "go on")).toEqual({ stopReason: "end_turn" });
  });

  test("a conversation is loaded by another process, told again, and gone on with", async () => {
    const api = await serveMessages([{ text: "I see.", uses: [touch] }, { text: "Made." }, { text: "Yes." }]);
    const first = start(api, () => "allow");
    const { sessionId } = await open(first);
    await say(first, sessionId, "make it");
    first.child.stdin?.end();
    await first.ended;
    const second = start({ ...api, home: first.home, cwd: first.cwd }, () => "allow");
    await greet(second);
    await second.agent.request(session.load, { sessionId, cwd: second.cwd, mcpServers: [] });
    expect(second.updates.map(({ sessionUpdate }) => sessionUpdate)).toEqual([
      ...[
        "user_message_chunk",
        "agent_message_chunk",
        "tool_call",
        "tool_call_update",
        "agent_message_chunk",
      ],
    ]);
    expect(await say(second, sessionId, "is it there?")).toEqual({ stopReason: "end_turn" });
    expect(api.requests.at(-1)?.messages).toHaveLength(5);
  });

  test("what cannot be done is an error with its reason, and the connection goes on", async () => {
    const api = await serveMessages([{ status: 401, error: "no such key" }]);
    const editor = start(api);
    const { sessionId } = await open(editor);
    await expect(say(editor, sessionId, "hello")).rejects.toMatchObject({
      ...{ code: -32_000, message: expect.stringContaining("401") },
    });
    const { cwd } = editor;
    const wrong = [
      editor.agent.request(session.new, { cwd: "/no/such", mcpServers: [] }),
      editor.agent.request(session.load, { sessionId: "../x", cwd, mcpServers: [] }),
      editor.agent.request(session.load, { sessionId, cwd, mcpServers: [] }),
      editor.agent.request(session.setMode, { sessionId, modeId: "yolo" }),
      editor.agent.request("session/no_such_thing", {}),
      say(editor, "no-such-session", "hello"),
    ].map((request) => request.then(() => 0).catch(({ code }) => code));
    expect(await Promise.all(wrong)).toEqual([-32_602, -32_002, -32_602, -32_602, -32_601, -32_002]);
  });
});

describe.each(people)(
  "the built-in agent in its cell behind the ACP library's client, as $name",
  (person) => {
    let desk: Desk;
    beforeAll(() => {
      desk = makeDesk(person);
    });
    afterAll(() => desk[Symbol.dispose]());

    test("an editor works on a folder in review; no key is inside; Workcell speaks on stderr alone", async () => {
      const look = use("Bash", { command: "env | grep ^ANTHROPIC; echo new >made" });
      const api = await serveMessages([{ uses: [look] }, { text: "Made." }]);
      const env = {
        ...{ PATH: process.env["PATH"] ?? "", HOME: desk.home },
        ...{ ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "sk-the-real-one" },
      };
      const words = ["agent", "--acp", "-m", desk.work, "--permission-mode", "default"];
      const answer = () => "allow";
      const editor = startEditor([desk.program, ...words], { cwd: desk.work, env, uid: person.uid, answer });
      await greet(editor);
      const elsewhere = editor.agent.request(session.new, { cwd: desk.home, mcpServers: [] });
      await expect(elsewhere).rejects.toMatchObject({ message: expect.stringContaining(`-m ${desk.home}`) });
      const { sessionId } = await editor.agent.request(session.new, { cwd: desk.work, mcpServers: [] });
      expect(await say(editor, sessionId, "make it")).toEqual({ stopReason: "end_turn" });
      expect(editor.questions).toHaveLength(1);
      const [seen] = resultsOf(api.requests[1]);
      expect(seen?.["content"]).toContain("ANTHROPIC_API_KEY=workcell-placeholder");
      expect(api.requests[0]?.headers["x-api-key"]).toBe("sk-the-real-one");
      editor.child.stdin?.end();
      expect(await editor.ended).toBe(0);
      expect(existsSync(path.join(desk.work, "made"))).toBe(false);
      expect(editor.stderr()).toContain("1 added");
      const name = /change waits in session (\S+):/.exec(editor.stderr())?.[1] ?? "";
      expect((await desk.workcell(["apply", name])).code).toBe(0);
      expect(readFileSync(path.join(desk.work, "made"), "utf8")).toBe("new\n");
    });

    test.each([
      [["--acp", "--stream-json"], /two ways at once \(flags --acp, --stream-json\)/],
      [["--acp", "Do something"], /a task from the command line and from an editor/],
      [
        ["--acp", "claude"],
        /Claude Code driven.*it speaks stream-json \(WC_USAGE\)\n.*workcell agent claude --stream-json/,
      ],
      [["--stream-json", "codex"], /Codex driven.*neither.*\n.*workcell agent --stream-json/],
    ])("%j is refused with what to do", async (words, said) => {
      const ended = await desk.workcell(["agent", ...words]);
      expect([ended.code, ended.stdout]).toEqual([125, ""]);
      expect(ended.stderr).toMatch(said);
    });
  },
);
