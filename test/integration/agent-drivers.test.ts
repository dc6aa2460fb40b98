import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
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
      const ended = await start("--profile", "cowork", name, "--", "-- do it");
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
});

/** The line of the reference, and the newest. */
const claudeVersions = ["2.1.9", "2.1.330"] as const;

/**
 * Claude Code from the registry that whoever runs the tests has configured; it is nobody's to ship. Where it cannot be had, the
 * tests are skipped by name.
 */
function installClaude(version: string): { readonly bin: string; readonly problem: string } {
  const place = mkdtempSync(path.join(tmpdir(), "workcell-claude-"));
  const words = ["install", "--no-audit", "--no-fund", "--prefix", place];
  // npx, which may have started the tests, says things of its own to npm.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$)/.test(name)),
  );
  const installed = spawnSync("npm", [...words, `@anthropic-ai/claude-code@${version}`], {
    ...{ env, encoding: "utf8", timeout: 100_000 },
  });
  chmodSync(place, 0o755);
  const bin = path.join(place, "node_modules/.bin");
  const { stdout = "" } = spawnSync(path.join(bin, "claude"), ["--version"], { encoding: "utf8" });
  if (stdout?.startsWith(version)) return { bin, problem: "" };
  const why = `${installed.stderr}`.trim().replace(/\s+/g, " ").slice(-400);
  return { bin, problem: `Claude Code ${version} could not be installed: ${why}` };
}

describe.each(claudeVersions)("real Claude Code %s", (version) => {
  let claude: ReturnType<typeof installClaude>;
  beforeAll(() => {
    claude = installClaude(version);
  }, 120_000);
  afterAll(() => rmSync(path.resolve(claude.bin, "../.."), { recursive: true, force: true }));

  test.for(people)(
    "does the scripted task in a cell as $name, and its changes wait",
    async (person, { skip }) => {
      skip(claude.problem !== "", claude.problem);
      using desk = makeDesk(person);
      const words = ["agent", "claude", "--model", "scripted", "--profile", "cowork"];
      const env = { PATH: `${claude.bin}:${systemPath}` };
      const ended = await desk.workcell(words, { env, within: 55_000 });
      expect([ended.code, ended.stderr]).toEqual([
        0,
        expect.stringMatching(/^\n\S+first-task: 1 added, 1 changed\n/),
      ]);
      expect(ended.stdout).toContain("claude-opus-4-5-20251101, conversation ");
      expect(ended.stdout).toContain("! The model that answers is scripted");
      for (const name of ["(Task|Agent)", "Bash", "Glob", "Grep", "Read", "Edit", "Write"])
        expect(ended.stdout).toMatch(new RegExp(`^> ${name} \\S`, "m"));
      expect(ended.stdout).toMatch(/^Done: the failing test passes/m);
      const copy = path.join(desk.home, ".local/share/workcell/first-task/src/total.js");
      expect(readFileSync(copy, "utf8")).toContain("return sum - discountPercent;");
    },
  );
});
