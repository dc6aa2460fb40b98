import { existsSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiAnswer, resultsOf, serveMessages, use } from "../helpers/messages-api.ts";
import { type Desk, makeDesk, people, processesOfCell, until } from "../helpers/run-workcell.ts";

const KEY = "sk-of-the-person-0123456789";
const within = 50_000;

describe.each(people)("an agent in a cell, as $name", (person) => {
  let desk: Desk;
  let number = 0;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const env = (url: string) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: KEY });
  /** Once is enough to see what it is. */
  const flags = () => ["-m", `${desk.work}:rw`, "-e", "CLAUDE_CODE_MAX_RETRIES=1"];
  const fresh = () => `bad-input-${["curie", "noether", "turing", "hopper"][number++ % 4]}-${number}`;
  const start = (name: string, url: string, ...words: readonly string[]) =>
    desk.start(["agent", ...flags(), "--session", name, ...words], { env: env(url), within });

  /** Whatever happened, the conversation is gone on with from where it stopped. */
  async function goesOn(name: string, known: string): Promise<void> {
    const api = await serveMessages([{ text: "On again" }]);
    const ended = await desk.workcell(["agent", ...flags(), "--resume", name, "And now?"], {
      env: env(api.url),
      within,
    });
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining("On again")]);
    expect(JSON.stringify(api.requests[0]?.messages)).toContain(known);
  }

  const failures: readonly (readonly [what: string, answer: ApiAnswer, said: RegExp])[] = [
    ["401", { status: 401, error: "bad key" }, /refused the credential/],
    ["429", { status: 429, error: "slow down" }, /Trying again.*\n[\s\S]*limit/],
    ["529", { status: 529, error: "overloaded" }, /Trying again.*\n[\s\S]*overloaded/],
    ["a stream that is cut", { text: "half", isCut: "broken" }, /Trying again.*\n[\s\S]*cut off/],
    ["a model that is not there", { status: 404, error: "model: gone-1" }, /model[\s\S]*--model/],
  ];

  test.each(failures)(
    "%s is told of as that, and the conversation goes on later",
    async (_, answer, said) => {
      const name = fresh();
      const api = await serveMessages([{ uses: [use("Bash", { command: "echo begun" })] }, answer]);
      const ended = await start(name, api.url, "Remember the plums").ended;
      expect([ended.code, ended.stdout]).toEqual([1, expect.stringMatching(said)]);
      await goesOn(name, "Remember the plums");
    },
  );

  test("a model that cannot be reached is told of as that, with the way to it", async () => {
    const name = fresh();
    const ended = await start(name, "http://127.0.0.1:9", "Remember the pears").ended;
    expect([ended.code, ended.stdout]).toEqual([
      1,
      expect.stringMatching(
        /cannot be reached: .*127\.0\.0\.1:9.*ECONNREFUSED[\s\S]*remedy: .*ANTHROPIC_BASE_URL/,
      ),
    ]);
    await goesOn(name, "Remember the pears");
  });

  test("a tool that prints a gigabyte is bounded, and the work goes on", async () => {
    const flood = use("Bash", { command: "head -c 1000000000 /dev/zero | tr '\\0' x" });
    const api = await serveMessages([{ uses: [flood] }, { text: "That was much" }]);
    const ended = await start(fresh(), api.url, "Print it").ended;
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining("That was much")]);
    const [result] = resultsOf(api.requests[1]);
    expect(`${result?.["content"]}`.length).toBeLessThan(100_000);
  });

  test("an agent that is killed leaves a conversation that goes on", async () => {
    const name = fresh();
    const mark = `sleep 3${person.uid ?? 0}1`;
    const api = await serveMessages([{ uses: [use("Bash", { command: mark })] }, { text: "x" }]);
    const running = start(name, api.url, "Remember the quinces");
    await until(() => processesOfCell(mark).size > 0, 20_000);
    const [first] = [...processesOfCell("workcell-agent.js").entries()].filter(([inside]) => inside > 1);
    expect(first).toBeDefined();
    for (const [inside, pid] of processesOfCell(mark)) if (inside === 3) process.kill(pid, "SIGKILL");
    const ended = await running.ended;
    expect([ended.code, ended.stderr]).toEqual([
      137,
      expect.stringContaining("the built-in agent ended in the middle of its work (SIGKILL)"),
    ]);
    await goesOn(name, "Remember the quinces");
  });

  test("a terminal that goes away ends the work, and the conversation goes on", async () => {
    const name = fresh();
    const mark = `sleep 4${person.uid ?? 0}1`;
    const api = await serveMessages([{ uses: [use("Bash", { command: mark })] }, { text: "x" }]);
    const words = ["agent", ...flags(), "--apply", "none", "--session", name, "Remember the medlars"];
    const running = desk.startOnTerminal(words, { env: env(api.url), within });
    await until(() => processesOfCell(mark).size > 0, 20_000);
    // Who holds the terminal dies with all that it would have said.
    running.child.kill("SIGKILL");
    await until(() => processesOfCell(mark).size === 0, 20_000);
    await goesOn(name, "Remember the medlars");
  });

  test("a session that is gone on with twice at once keeps both conversations whole", async () => {
    const name = fresh();
    const first = await serveMessages([{ text: "Heard of the figs" }]);
    expect((await start(name, first.url, "Remember the figs").ended).code).toBe(0);
    // Neither is answered before both have read the conversation.
    const waiting: (() => void)[] = [];
    const together = async (): Promise<ApiAnswer> => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 2) for (const go of waiting) go();
      });
      return { uses: [use("Bash", { command: "echo slept" })] };
    };
    const apis = await Promise.all(["One", "Two"].map((text) => serveMessages([together, { text }])));
    const ended = await Promise.all(
      apis.map(({ url }, at) =>
        desk.workcell(["agent", ...flags(), "--resume", name, `Call ${at}`], { env: env(url), within }),
      ),
    );
    for (const [at, { code, stderr, stdout }] of ended.entries()) {
      expect([code, stdout + stderr]).toEqual([0, expect.stringContaining(["One", "Two"][at] ?? "")]);
      expect(JSON.stringify(apis[at]?.requests[0]?.messages)).toContain("Remember the figs");
    }
    // Each call stands before its own answer: a model would refuse another order.
    const api = await serveMessages([{ text: "On again" }]);
    const words = ["agent", ...flags(), "--resume", name, "And now?"];
    expect((await desk.workcell(words, { env: env(api.url), within })).code).toBe(0);
    expect(api.requests[0]?.messages.map(({ role }) => role).join()).toBe(
      "user,assistant,user,assistant,user,assistant,user",
    );
  });

  test("a task in a folder that is not there starts nothing", async () => {
    const api = await serveMessages([{ text: "x" }]);
    const ended = await desk.workcell(["agent", "-m", path.join(desk.work, "gone"), "Go"], {
      env: env(api.url),
    });
    expect([ended.code, existsSync(path.join(desk.work, "gone")), api.requests.length]).toEqual([
      125,
      false,
      0,
    ]);
  });
});
