import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Line } from "../helpers/messages-api.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const wrong = "return sum - discountPercent;";
const repaired = "return Math.round(sum * (1 - discountPercent / 100));";
const linesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

describe.each(people)("workcell agent, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const copy = () => path.join(desk.home, ".local/share/workcell/first-task");
  const source = () => readFileSync(path.join(copy(), "src/total.js"), "utf8");

  test("shows a scripted task without any account: stream, changes, apply, undo", async () => {
    const shown = await desk.workcell(["agent", "--model", "scripted"], { within: 50_000 });
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(
      /^scripted, conversation \S+\nThis is Workcell's scripted model, not an AI: /,
    );
    expect(shown.stdout).not.toContain("The model that answers");
    for (const name of ["Task", "Bash", "Glob", "Grep", "Read", "Edit", "Write"])
      expect(shown.stdout).toMatch(new RegExp(`^> ${name} \\S`, "m"));
    expect(shown.stderr).toMatch(
      /first-task: 1 added, 1 changed\n +CHANGES\.md \| 8 \++\n +src\/total\.js \| 2 /,
    );
    const session = /2 changes wait in session (\S+):/.exec(shown.stderr)?.[1] ?? "";
    expect(shown.stderr).toContain(`workcell discard ${session}`);
    expect(source()).toContain(wrong);
    expect((await desk.workcell(["apply", session])).code).toBe(0);
    expect(source()).toContain(repaired);
    expect((await desk.workcell(["undo", session])).code).toBe(0);
    expect(source()).toContain(wrong);
  });

  test("--json prints the agent's events, and --apply all carries the changes over", async () => {
    const words = ["agent", "--model", "scripted", "--profile", "cowork", "--json", "--apply", "all"];
    const ended = await desk.workcell(words, { within: 50_000 });
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringMatching(/^Applied 2 changes to /)]);
    const lines = linesOf(ended.stdout);
    expect(lines[0]).toMatchObject({
      ...{ type: "started", model: "claude-opus-4-5-20251101" },
      tools: ["Task", "Bash", "Glob", "Grep", "Read", "Edit", "Write"],
      cwd: expect.stringMatching(/^\/sessions\/[a-z-]+\/mnt\/first-task$/),
    });
    expect(lines.at(-1)).toMatchObject({ type: "ended", status: "done", models: { scripted: {} } });
    expect(source()).toContain(repaired);
  });

  test("without a credential it says in one line how to try it, and starts nothing", async () => {
    const ended = await desk.workcell(["agent", "-m", ".", "Do something"], { cwd: desk.work });
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toContain("workcell agent --model scripted");
  });

  test.each([
    [
      ["claude", "Do something"],
      /"claude" was not found on PATH.*\n.*npm install -g @anthropic-ai\/claude-code/,
    ],
    [["clade", "Do something"], /are two words.*\n.*workcell agent claude "TASK"/],
    [["Do", "something"], /are two words.*\n.*quotes/],
    [["--resume", "no-such-session", "Go on"], /its home.*is not there \(WC_SESSION\)\n/],
    [["--resume", "a-b", "--session", "a-c", "Go on"], /two sessions/],
    [["--json", "--stream-json", "Go on"], /two ways/],
    [["--permission-mode", "acceptEdits", "codex", "Go on"], /it knows default \(WC_USAGE\)/],
    [["--permission-mode", "dontAsk", "gemini", "Go on"], /it knows default, acceptEdits, plan/],
  ])("%j is refused with what to do", async (words, said) => {
    const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` };
    const ended = await desk.workcell(["agent", ...words], { env });
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toMatch(said);
  });
});
