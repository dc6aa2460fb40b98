import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type ScriptedAnswer, type ScriptedTask, startScriptedModel } from "../../src/agent/index.ts";
import { placeSearch, searchFor } from "../helpers/key-search.ts";
import { type Installed, npmInstall } from "../helpers/npm-install.ts";
import { type Recorder, recordRequests } from "../helpers/recorded.ts";
import { type Desk, isSoak, makeDesk, type Person, people, until } from "../helpers/run-workcell.ts";
import { Screens, tmuxProblem } from "../helpers/tmux.ts";

/** The line of the reference, and the newest. */
const versions = ["2.1.9", "2.1.330"] as const;

const KEY = "sk-of-the-person-0123456789";
const systemPath = `${path.dirname(process.execPath)}:/usr/bin:/bin`;
const within = 55_000;

const bash = (command: string): ScriptedAnswer => ({
  text: "I do it.",
  calls: [{ name: "Bash", input: { command, description: "As asked" } }],
});

/** Has each command run in turn, and then says that it is done. */
const commands =
  (...all: readonly string[]): ScriptedTask =>
  ({ step }) => {
    const command = all[step];
    return command === undefined ? { text: "That was all." } : bash(command);
  };

/** Waits until words have come, does what they say until it is stopped, and gone on with wants one thing more. */
const steered =
  (hasCome: (words: string) => boolean): ScriptedTask =>
  ({ step }) => {
    if (hasCome("Go on")) return step === 0 ? bash("touch one") : { text: "That was all." };
    if (hasCome("echo blue")) return bash("tail -f /dev/null");
    return bash(hasCome("Paint it blue") ? "echo blue > colour" : "sleep 0.3");
  };

/** A Messages API that plays this, with what came to it. */
async function serve(task: ScriptedTask): Promise<Recorder> {
  const model = await startScriptedModel({ task });
  const recorder = await recordRequests(model.url);
  onTestFinished(async () => {
    await recorder[Symbol.asyncDispose]();
    await model.close();
  });
  return recorder;
}

/** What does not hang on the version is tried with the newest, and in the long form with both. */
const isTried = (version: string) => isSoak || version === versions[1];

/** A desk for each person: the host's tools, which the reference's profile asks, are asked there but once. */
let desks: ReadonlyMap<Person, Desk>;
beforeAll(() => {
  desks = new Map(people.map((person) => [person, makeDesk(person)]));
});
afterAll(() => {
  for (const desk of desks.values()) desk[Symbol.dispose]();
});

/** The person's desk, a fresh folder of theirs on it, and the folder in which this Claude Code is found. */
function sitDown(person: Person | undefined, name: string, claude: Installed) {
  const desk = person && desks.get(person);
  if (desk === undefined) throw new Error("There is nobody to sit down");
  // The folder that is searched stays as it is: what tools said counts as long as those do.
  const [programs, version] = [desk.folder("programs"), path.join(desk.home, "../version")];
  rmSync(version, { force: true });
  symlinkSync(claude.bin, version);
  if (!readdirSync(programs).includes("claude"))
    symlinkSync(path.join(version, "claude"), path.join(programs, "claude"));
  return { desk, work: desk.folder(name), programs };
}

describe.each(versions)("real Claude Code %s", (version) => {
  let claude: Installed;
  beforeAll(() => {
    claude = npmInstall([`@anthropic-ai/claude-code@${version}`], { claude: version });
  }, 120_000);

  const env = (programs: string, api?: Recorder) => ({
    PATH: `${programs}:${systemPath}`,
    ...(api === undefined ? {} : { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: KEY }),
  });
  const words = (work: string, ...more: readonly string[]) => [
    ...["agent", "-m", `${work}:rw`, ...more],
    ...["claude", "Do as you are told"],
  ];

  describe.each(people)("as $name", (person) => {
    test("does the scripted task in a cell, and its changes wait", async ({ skip }) => {
      skip(claude.problem !== "", claude.problem);
      const { desk, programs } = sitDown(person, "work", claude);
      const ended = await desk.workcell(["agent", "claude", "--model", "scripted", "--profile", "cowork"], {
        env: env(programs),
        within,
      });
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
    });

    test("asks the person at the terminal, hears what is said instead, and what it did is applied on a word", async ({
      skip,
    }) => {
      skip(claude.problem !== "", claude.problem);
      const { desk, work, programs } = sitDown(person, `asked-${version}`, claude);
      const api = await serve(commands("touch one", "touch two"));
      const asking = ["agent", "-m", work, "--permission-mode", "default", "claude", "Do as you are told"];
      const running = desk.startOnTerminal(asking, { env: env(programs, api), within });
      // What is typed before the question is said to the agent.
      for (const [asked, answer] of ["y", "rather not"].entries()) {
        await until(() => running.text().split("or no and why: ").length === asked + 2, 20_000);
        running.child.stdin?.write(`${answer}\n`);
      }
      await running.said("Apply them? [y/N, d to see them first] ");
      running.child.stdin?.write("y\n");
      expect((await running.ended).code).toBe(0);
      expect([existsSync(path.join(work, "one")), existsSync(path.join(work, "two"))]).toEqual([true, false]);
      expect(api.arrived.at(-1)?.body).toContain("The person says: rather not");
    });

    test.runIf(isTried(version))(
      "what is typed steers it, Ctrl-C stops it, and gone on with it knows all that; what nobody can be asked is refused",
      async ({ skip }) => {
        skip(claude.problem !== "", claude.problem);
        const { desk, work, programs } = sitDown(person, `steered-${version}`, claude);
        const api: Recorder = await serve(
          steered((words) => api.arrived.some(({ body }) => body.includes(words))),
        );
        const options = { env: env(programs, api), within };
        const flags = ["agent", "-m", work, "--session", "told-more-lovelace", "claude"];
        const running = desk.startOnTerminal([...flags, "Do as you are told"], options);
        await running.said("> Bash sleep");
        running.child.stdin?.write("Paint it blue\n");
        await running.said("> Bash tail -f");
        // Not heard before the call ends, which it does not: it is not to begin a turn by itself.
        running.child.stdin?.write("Paint it red\n");
        await new Promise((resolve) => setTimeout(resolve, 300));
        running.child.stdin?.write("\u0003");
        await running.said("Apply them? [y/N, d to see them first] ");
        running.child.stdin?.write("y\n");
        expect([(await running.ended).code, running.text()]).toEqual([
          130,
          expect.stringMatching(/^Interrupted: /m),
        ]);
        expect(running.text()).toContain("had not been heard");
        const answered = api.arrived.filter(({ body }) => body.includes("Paint it red"));
        // An older version has begun its turn by then, which is stopped as well.
        expect(answered.length).toBeLessThanOrEqual(version === versions[1] ? 0 : 1);
        expect(readFileSync(path.join(work, "colour"), "utf8")).toBe("blue\n");

        const goingOn = ["agent", "-m", work, "--resume", "told-more-lovelace"];
        const ended = await desk.workcell([...goingOn, "--permission-mode", "default", "Go on"], options);
        expect([ended.code, existsSync(path.join(work, "one"))]).toEqual([3, false]);
        expect(ended.stdout).toMatch(/^! Not permitted: Bash touch one/m);
        expect(ended.stdout).toContain("That was all.");
        // What it heard in the middle of a turn the older version does not keep.
        const known = version === versions[1] ? /told.*Paint it blue.*Go on/ : /told.*echo blue.*Go on/;
        expect(known.test(api.arrived.at(-1)?.body ?? "")).toBe(true);
        expect((await desk.workcell(["session", "rm", "told-more-lovelace", "--force"])).code).toBe(0);
      },
    );
  });

  test.runIf(isTried(version))(
    "the person's key arrives upstream, and is nowhere in the cell",
    async ({ skip }) => {
      skip(claude.problem !== "", claude.problem);
      const { desk, work, programs } = sitDown(people.at(-1), "work", claude);
      placeSearch(desk);
      // Control: the placeholder is found by the same search, in the agent's own memory too.
      const api = await serve(commands(searchFor(KEY), searchFor("workcell-placeholder")));
      const ended = await desk.workcell(words(work, "--json"), { env: env(programs, api), within });
      expect(ended.code).toBe(0);
      const asked = api.arrived.filter(({ path: place }) => place.startsWith("/v1/messages"));
      expect(new Set(asked.map(({ headers }) => headers["x-api-key"]))).toEqual(new Set([KEY]));
      const results = JSON.parse(asked.at(-1)?.body ?? "{}").messages.flatMap(
        ({ content }: { content: unknown }) => (Array.isArray(content) ? content : []),
      );
      const found = results
        .filter(({ type }: { type: string }) => type === "tool_result")
        .map(({ content }: { content: unknown }) => JSON.stringify(content));
      expect(found).toEqual([expect.stringContaining("[]"), expect.stringMatching(/environ.*memory/)]);
    },
  );

  test("it is observed as the reference has it", async ({ skip }) => {
    skip(claude.problem !== "", claude.problem);
    const { desk, programs } = sitDown(people.at(-1), "work", claude);
    const only = ["--only", "proc.*,agent.model,agent.tools,life.*"];
    const asked = ["report", "--profile", "cowork", "--agent", "claude", "--verify", ...only];
    const ended = await desk.workcell(asked, { env: env(programs), within });
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringMatching(/: \d+ match · 0 differ/)]);
  });

  test.runIf(isTried(version))(
    "its own screen is the one that it shows outside of a cell",
    async ({ skip }) => {
      skip(claude.problem + tmuxProblem !== "", claude.problem || tmuxProblem);
      using desk = makeDesk(people.at(-1) ?? { name: "nobody" });
      const api = await serve(() => ({ text: "Heard it." }));
      const model = ["--model", "claude-opus-4-5-20251101"];
      await using screens = new Screens(desk);
      const own = {
        ...env(claude.bin, api),
        HOME: desk.folder("own-home"),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      };
      const settled = { hasCompletedOnboarding: true, customApiKeyResponses: { approved: [KEY.slice(-20)] } };
      desk.file("own-home/.claude.json", JSON.stringify(settled));
      const plain = ["--setting-sources", "user", "--strict-mcp-config"];
      const tools = ["--allowedTools", "Task,Bash,Glob,Grep,Read,Edit,Write"];
      await screens.open("outside", ["claude", ...model, ...tools, ...plain], own);
      const caged = ["agent", "-m", ".", "--apply", "none", ...model, "claude"];
      await screens.open("inside", [desk.program, ...caged], { ...env(claude.bin, api), HOME: desk.home });

      const both = ["outside", "inside"] as const;
      /** Waits until both show the mark, and then for a while until they show the same. */
      const meet = async (mark: RegExp) => {
        let shown: (readonly string[])[] = [];
        for (let tries = 0; tries < 100; tries += 1) {
          shown = await Promise.all(both.map(async (name) => steady(await screens.read(name))));
          const [outside = [], inside = []] = shown;
          if (shown.every((lines) => mark.test(lines.join("\n"))) && outside.join() === inside.join()) break;
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
        expect(shown[1]).toEqual(shown[0]);
        expect(shown[1]?.join("\n")).toMatch(mark);
        return shown[1]?.join("\n") ?? "";
      };
      const type = (...keys: readonly string[]) =>
        Promise.all(both.map((name) => screens.type(name, ...keys)));

      await meet(/trust/);
      for (const name of both) await agree(screens, name);
      await meet(/\? for shortcuts/);
      await type("Hello there");
      await meet(/❯\sHello there/);
      await type("Enter");
      await meet(/●\sHeard it\./);
      await meetColours(screens);
      await type("?");
      await meet(/@ for file paths/);

      await type("BSpace");
      for (const name of both) await screens.resize(name, 70, 30);
      // The lines around what is typed are as wide as the window is now.
      await meet(/^─{70}$/m);
      const asked = api.arrived.length;
      for (const name of both) await screens.paste(name, "first line\nsecond line");
      await meet(/❯\sfirst line\n\s*second line/);
      expect(api.arrived.slice(asked).filter(({ body }) => body.includes("first line"))).toEqual([]);
      await type("C-c");
      expect(await meet(/^❯\s*$/m)).not.toContain("second line");
      for (const name of both) await leave(screens, name);
    },
  );
});

/** Waits until both screens show the same in the same colours, and some colours at all. */
async function meetColours(screens: Screens): Promise<void> {
  let [outside, inside]: (readonly string[])[] = [[], []];
  for (let tries = 0; tries < 50; tries += 1) {
    [outside = [], inside = []] = await Promise.all(
      ["outside", "inside"].map(async (name) => coloured(await screens.readColours(name))),
    );
    if (outside.length > 0 && outside.join() === inside.join()) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(inside).toEqual(outside);
  expect(inside?.join("\n")).toMatch(/\u001b\[(3[0-9]|9[0-7]|[0-9;]*38;)/);
}

/** Lines of which nothing changes by itself, with their colours. */
function coloured(lines: readonly string[]): readonly string[] {
  const plain = (line: string) => line.replace(/\u001b\[[0-9;]*m/g, "").trimEnd();
  return lines.filter((line) => plain(line) !== "" && steady([plain(line)])[0] === plain(line));
}

/** Ctrl-C twice. What comes too late for a second one is a first one again. */
async function leave(screens: Screens, name: string): Promise<void> {
  for (let tries = 0; tries < 50 && !(await screens.hasEnded(name)); tries += 1) {
    await screens.type(name, "C-c", "C-c");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(await screens.hasEnded(name)).toBe(true);
}

/** Says yes to the question about the folder. What is typed while the question is still being drawn is lost. */
async function agree(screens: Screens, name: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const shown = (await screens.read(name)).join("\n");
    if (/❯ No, exit/.test(shown)) await screens.type(name, "Down");
    else if (/❯ .*Yes/.test(shown)) await screens.type(name, "Enter");
    else return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** A screen without what changes by itself: how long it took in which of many words, hints at its right edge. */
function steady(lines: readonly string[]): readonly string[] {
  return lines
    .filter((line) => !/^\s*[✻✽✶✢·*] |\/effort/u.test(line))
    .map((line) => line.replace(/^(\s+[?⏸].*?)\s{6,}\S.*$/u, "$1").trimEnd())
    .filter((line) => line !== "");
}
