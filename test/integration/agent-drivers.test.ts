import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** No agent: a script that says how it was started, for what is passed on alone. */
const fakeAgent = `#!/bin/sh
echo "comm $(cat /proc/$$/comm) pid $$"
for word; do printf 'word %s\\n' "$word"; done
env | grep -E '^(ANTHROPIC|OPENAI|GEMINI|GOOGLE|OPENCODE|CLAUDE)' | sed 's/^/env /'
for file in .claude.json .gemini/settings.json; do [ -e "$HOME/$file" ] && echo "file $file $(cat "$HOME/$file")"; done
exit 7
`;

/** Says how it was started and which conversation it is; it hears that it is to stop, and does not. */
const deafAgent = `#!/bin/sh
trap '' INT
echo '{"type":"system","subtype":"init","session_id":"0a-first"}'
for word; do printf 'word %s\\n' "$word"; done
case "$*" in *--resume*) exit 0 ;; esac
while read -r line; do case $line in *interrupt*) echo heard ;; esac; done
`;

const systemPath = `${path.dirname(process.execPath)}:/usr/bin:/bin`;

describe.each(people)("other agents, as $name", (person) => {
  let desk: Desk;
  let programs: string;
  beforeAll(() => {
    desk = makeDesk(person);
    // Neither in the home nor in the system: the cell sees it only if it is shown.
    programs = desk.folder("programs");
    for (const name of ["claude", "codex", "gemini", "opencode"])
      desk.file(`programs/${name}`, fakeAgent, 0o755);
  });
  afterAll(() => desk[Symbol.dispose]());

  const keys = {
    ANTHROPIC_API_KEY: "sk-a-real-one",
    OPENAI_API_KEY: "sk-o-real",
    GEMINI_API_KEY: "g-real-one",
  };
  const start = (...words: readonly string[]) =>
    desk.workcell(["agent", ...words], { env: { PATH: `${programs}:${systemPath}`, ...keys } });

  test.each([
    ["codex", [/^word exec$/m, /^word -- do it$/m, /^env OPENAI_API_KEY=workcell-placeholder$/m]],
    ["gemini", [/^word -p\nword -- do it$/m, /^env GOOGLE_GEMINI_BASE_URL=http:\/\/gemini\.workcell$/m]],
    ["gemini", [/^file \.gemini\/settings\.json .*gemini-api-key/m]],
    ["opencode", [/^word run$/m, /^env OPENCODE_CONFIG_CONTENT=.*"baseURL":"http:\/\/model\.workcell\/v1"/m]],
  ])(
    "a fake %s is started by its name with what a real one needs, and its code is the end's",
    async (name, said) => {
      const ended = await start("--profile", "cowork", "--json", name, "--", "-- do it");
      expect([ended.code, ended.stderr]).toEqual([7, ""]);
      expect(ended.stdout).toContain(`comm ${name} pid 5\n`);
      for (const one of said) expect(ended.stdout).toMatch(one);
      for (const key of Object.values(keys)) expect(ended.stdout).not.toContain(key);
    },
  );

  test("a fake claude has the reference's model and tools in cowork, and its home has no questions left", async () => {
    const ended = await start("--profile", "cowork", "--json", "claude", "do it");
    expect(ended.stdout).toContain("comm claude pid 5\n");
    expect(ended.stdout).toMatch(
      /^word --model\nword claude-opus-4-5-20251101\nword --tools\nword Task,Bash,/m,
    );
    expect(ended.stdout).toContain('file .claude.json {"hasCompletedOnboarding":true');
    expect(ended.stdout).toContain("env ANTHROPIC_BASE_URL=http://model.workcell\n");
    expect(ended.stdout).toContain("env ANTHROPIC_API_KEY=workcell-placeholder\n");
  });

  test("a second Ctrl-C ends a fake claude that does not stop; its conversation is gone on with by its own name, by nobody else", async () => {
    const bin = desk.folder("deaf/node_modules/.bin");
    desk.file("deaf/node_modules/.bin/claude", deafAgent, 0o755);
    desk.file("deaf/node_modules/.bin/codex", fakeAgent, 0o755);
    const options = { env: { PATH: `${bin}:${systemPath}`, ...keys } };
    const named = ["agent", "--session", "kept-by-name", "--json", "claude", "do it"];
    const running = desk.startOnTerminal(named, options);
    await running.said("word -p");
    running.child.stdin?.write("\u0003");
    await running.said("heard");
    running.child.stdin?.write("\u0003");
    expect([(await running.ended).code, running.text()]).toEqual([
      130,
      expect.stringContaining("the command was cancelled"),
    ]);
    const resume = (...words: readonly string[]) =>
      desk.workcell(["agent", "--resume", "kept-by-name", "--json", ...words, "go on"], options);
    const ended = await resume();
    expect([ended.code, ended.stdout]).toEqual([
      0,
      expect.stringContaining("word --resume\nword 0a-first\n"),
    ]);
    const other = await resume("codex");
    expect([other.code, other.stdout]).toEqual([125, ""]);
    expect(other.stderr).toMatch(
      /one with Claude Code.*\n.*workcell agent --resume kept-by-name claude "TASK"/,
    );
    expect((await desk.workcell(["session", "rm", "kept-by-name", "--force"])).code).toBe(0);
  });
});
