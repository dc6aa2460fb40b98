import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { placeSearch, searchFor } from "../helpers/key-search.ts";
import { type ApiAnswer, resultsOf, serveMessages, use } from "../helpers/messages-api.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const KEY = "sk-of-the-person-0123456789";

describe.each(people)("an agent's turns, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const within = 50_000;
  const env = (url: string) => ({
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: KEY,
  });
  const agent = (...words: readonly string[]) => ["agent", "-m", `${desk.work}:rw`, ...words];

  test("the person's key arrives upstream, and is nowhere in the cell", async () => {
    placeSearch(desk);
    // Control: the placeholder is found by the same search, in the agent's own memory too.
    const api = await serveMessages([
      { uses: [use("Bash", { command: searchFor(KEY) }, "key")] },
      { uses: [use("Bash", { command: searchFor("workcell-placeholder") }, "placeholder")] },
      { text: "Searched" },
    ]);
    const ended = await desk.workcell(agent("Look for it"), { env: env(api.url), within });
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining("Searched")]);
    expect(api.requests.map(({ headers }) => headers["x-api-key"])).toEqual([KEY, KEY, KEY]);
    expect(resultsOf(api.requests[1])).toMatchObject([{ content: "[]" }]);
    expect(resultsOf(api.requests[2])).toMatchObject([
      { content: expect.stringMatching(/"environ".*"memory"/) },
    ]);
  });

  test("a session that stays is gone on with, and knows what was said", async () => {
    const api = await serveMessages([{ text: "One" }, { text: "Two" }]);
    const first = await desk.workcell(agent("--session", "kept-talk-turing", "First"), {
      env: env(api.url),
      within,
    });
    expect(first.stderr).toMatch(/to go on: workcell agent -m \S+ --resume kept-talk-turing "TASK"/);
    const second = await desk.workcell(agent("--resume", "kept-talk-turing", "Second"), {
      env: env(api.url),
      within,
    });
    expect([second.code, second.stdout]).toEqual([0, expect.stringContaining("Two")]);
    expect(JSON.stringify(api.requests[1]?.messages)).toMatch(/First.*One.*Second/);
    expect((await desk.workcell(["session", "rm", "kept-talk-turing", "--force"])).code).toBe(0);
  });

  test("one interrupt ends the turn, and with it a task that nobody can add to", async () => {
    const busy: ApiAnswer = { uses: [use("Bash", { command: "echo begun > mark; sleep 100" })] };
    const api = await serveMessages([busy, { text: "more" }]);
    const running = desk.start(agent("--json", "Wait"), { env: env(api.url), within });
    await running.said('"name":"Bash"');
    running.child.kill("SIGINT");
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(ended.stdout).toContain('"status":"interrupted"');
    expect(api.requests).toHaveLength(1);
  });

  test("what needs asking is refused where nobody can be asked, and the code says so", async () => {
    const write = use("Write", { file_path: path.join(desk.work, "asked.txt"), content: "x" });
    const api = await serveMessages([{ uses: [write] }, { text: "Not permitted" }]);
    const words = agent("--permission-mode", "default", "Write it");
    const ended = await desk.workcell(words, { env: env(api.url), within });
    expect(ended.code).toBe(3);
    expect(existsSync(path.join(desk.work, "asked.txt"))).toBe(false);
  });

  test("a model that refuses the key is told of as that, and the folder's changes stay", async () => {
    const write = use("Write", { file_path: path.join(desk.work, "before.txt"), content: "x" });
    const api = await serveMessages([{ uses: [write] }, { status: 401, error: "bad key" }]);
    const ended = await desk.workcell(agent("Write it"), { env: env(api.url), within });
    expect([ended.code, ended.stdout]).toEqual([
      1,
      expect.stringMatching(/refused the credential[\s\S]*on the host/),
    ]);
    expect(readFileSync(path.join(desk.work, "before.txt"), "utf8")).toBe("x");
  });

  test("without a task the agent takes one after another from a terminal; Ctrl-C stops the turn, twice the agent", async () => {
    const api = await serveMessages([
      { text: "Heard the first" },
      { text: "still thinking", hangs: true },
      { text: "x" },
    ]);
    const running = desk.startOnTerminal(agent("--apply", "none"), { env: env(api.url), within });
    const type = (text: string) => running.child.stdin?.write(text);
    type("First\n");
    await running.said("Heard the first");
    type("Second\n");
    await running.said("still thinking");
    type("\u0003");
    await running.said("Interrupted");
    type("\u0003");
    expect((await running.ended).code).toBe(130);
  });
});
