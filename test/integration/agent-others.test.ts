import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MockAnswer, openMockVendors } from "../helpers/mock-vendors.ts";
import { type Installed, npmInstall } from "../helpers/npm-install.ts";
import type { Recorder } from "../helpers/recorded.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** Each by the name that Workcell knows it by: its package, and what its model calls to have a command run. */
const agents = [
  {
    ...{ name: "codex", npmPackage: "@openai/codex", version: "0.169.0" },
    call: (cmd: string) => ({ name: "exec_command", arguments: { cmd } }),
    model: "/v1/responses",
  },
  {
    ...{ name: "gemini", npmPackage: "@google/gemini-cli", version: "0.61.0" },
    call: (command: string) => ({ name: "run_shell_command", arguments: { command } }),
    model: "/v1beta/models/",
  },
  {
    ...{ name: "opencode", npmPackage: "opencode-ai", version: "1.18.33" },
    call: (command: string) => ({ name: "bash", arguments: { command, description: "Look round" } }),
    model: "/v1/messages",
  },
] as const;

const keys = {
  OPENAI_API_KEY: "sk-o-1f6b2c",
  GEMINI_API_KEY: "AIza-9d41e7",
  ANTHROPIC_API_KEY: "sk-a-77c0d3",
};

/** Waits for a sign, makes a file, and says who it is, with all that the cell's processes were given. */
const command =
  "until [ -e ../signs/go ]; do sleep 0.1; done; printf 'made in a cell\\n' > made.txt; echo uid; id -u; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";

const answers: readonly MockAnswer[] = [
  // Gemini asks a small model first which one is to answer.
  {
    match: { model: "gemini-3.5-flash-lite" },
    response: {
      content: '{"reasoning":"","model_choice":"flash","complexity_reasoning":"","complexity_score":1}',
    },
  },
  ...agents.map(({ call }, at) => ({
    match: { userMessage: `Now wait, ${agents[at]?.name}` },
    response: { toolCalls: [call("sleep 100")] },
  })),
  // It hears in the middle of its turn, which goes on until it does.
  ...agents.slice(0, 1).map(({ call }) => ({
    match: { userMessage: "Look round slowly with codex" },
    response: { toolCalls: [call(command)] },
  })),
  { match: { userMessage: "Look", hasToolResult: true }, response: { content: "Looked, as asked." } },
  ...agents.map(({ name, call }) => ({
    match: { userMessage: `Look again with ${name}` },
    response: { toolCalls: [call("touch again.txt")] },
  })),
  ...agents.map(({ name, call }) => ({
    match: { userMessage: `with ${name}` },
    response: { toolCalls: [call(command)] },
  })),
  { match: {}, response: { content: "A title" } },
];

let installed: Installed;
let vendors: Recorder;
beforeAll(async () => {
  const packages = agents.map(({ npmPackage, version }) => `${npmPackage}@${version}`);
  // A script runs wherever Node does; of the others it is seen whether they run on this machine.
  const own = agents.filter(({ name }) => name !== "gemini");
  const versions = Object.fromEntries(own.map(({ name, version }) => [name, version]));
  installed = npmInstall([...packages, "@copilotkit/aimock@1.43.0"], versions);
  if (installed.problem === "") vendors = await openMockVendors(installed.place, answers);
}, 120_000);
afterAll(async () => {
  await vendors?.[Symbol.asyncDispose]();
});
beforeEach(({ skip }) => {
  skip(installed.problem !== "", installed.problem);
  vendors.arrived.splice(0);
});

/** A folder whose own configuration starts programs of its own. */
function makeTrap(desk: Desk): void {
  const touch = (name: string) => ["-c", `touch ${desk.work}/${name}`];
  for (const folder of [".codex", ".gemini"]) mkdirSync(desk.folder(`work/${folder}`), { recursive: true });
  desk.file(
    "work/.codex/config.toml",
    `[mcp_servers.bad]\ncommand = "/bin/sh"\nargs = ${JSON.stringify(touch("mcp"))}\n`,
  );
  const gemini = {
    mcpServers: { bad: { command: "/bin/sh", args: touch("mcp") } },
    hooksConfig: { enabled: true },
    hooks: { SessionStart: [{ hooks: [{ type: "command", command: `touch ${desk.work}/hook` }] }] },
  };
  desk.file("work/.gemini/settings.json", JSON.stringify(gemini));
  const bad = { type: "local", command: ["/bin/sh", ...touch("mcp")], enabled: true };
  desk.file("work/opencode.json", JSON.stringify({ mcp: { bad }, plugins: ["./loaded.js"] }));
  mkdirSync(desk.folder("work/.opencode/plugin"), { recursive: true });
  const plugin = `import { writeFileSync } from "node:fs"; writeFileSync("${desk.work}/plugin", "");`;
  for (const file of ["work/loaded.js", "work/.opencode/plugin/own.js"]) desk.file(file, plugin);
  desk.file("work/AGENTS.md", "Speak plainly, as the folder asks.\n");
}

const [first] = people;
const last = people.at(-1);

const options = () => ({
  env: {
    PATH: `${installed.bin}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
    ...keys,
    OPENAI_BASE_URL: `${vendors.url}/v1`,
    GOOGLE_GEMINI_BASE_URL: vendors.url,
    ANTHROPIC_BASE_URL: vendors.url,
  },
  within: 50_000,
});
const flags = (desk: Desk, ...more: readonly string[]) => [
  ...["agent", "-m", desk.work, "-m", `${desk.folder("signs")}:rw`, ...more],
];

/** The person's key has come with each request, and the agent, which is nobody of the host's, had a placeholder. */
function expectNoKeyInside(model: string, said: string): void {
  const asked = vendors.arrived.filter(({ path: place }) => place.startsWith(model));
  expect(asked.length).toBeGreaterThanOrEqual(2);
  const sent = asked.map(
    ({ headers }) => headers["x-api-key"] ?? headers["x-goog-api-key"] ?? headers.authorization,
  );
  const [own] = sent;
  expect([keys.ANTHROPIC_API_KEY, keys.GEMINI_API_KEY, `Bearer ${keys.OPENAI_API_KEY}`]).toContain(own);
  expect(new Set(sent)).toEqual(new Set([own]));
  const bodies = asked.map(({ body }) => body).join("\n");
  expect(bodies).toMatch(/uid\\+n[1-9]/);
  expect(bodies).toContain("workcell-placeholder");
  for (const key of Object.values(keys)) expect(bodies + said).not.toContain(key);
}

describe.each(agents)("real $name", ({ name, model }) => {
  test(`as ${first?.name} works in a cell without a key, hears what is typed, stops at Ctrl-C, and its changes wait`, async () => {
    using desk = makeDesk(first ?? { name: "nobody" });
    makeTrap(desk);
    const named = flags(desk, "--session", "told-to-wait", "--apply", "none", name);
    const running = desk.startOnTerminal([...named, `Look round slowly with ${name}`], options());
    await running.said("until [ -e");
    running.child.stdin?.write(`Now wait, ${name}\n`);
    if (name !== "codex") await running.said("It hears that when it is done with this.");
    desk.file("signs/go", "");
    await running.said("sleep 100");
    running.child.stdin?.write("\u0003");
    const { code } = await running.ended;
    // Nothing that the folder's own configuration starts has left a file.
    expect([code, running.text()]).toEqual([
      130,
      expect.stringMatching(/Interrupted[\s\S]*\/work: 1 added\r?\n +made\.txt \| 1 \+\r?\n/),
    ]);
    expectNoKeyInside(model, running.text());
    expect(existsSync(path.join(desk.work, "made.txt"))).toBe(false);
    expect((await desk.workcell(["apply", "told-to-wait"])).code).toBe(0);
    expect(readFileSync(path.join(desk.work, "made.txt"), "utf8")).toBe("made in a cell\n");
    expect((await desk.workcell(["session", "rm", "told-to-wait", "--force"])).code).toBe(0);
  });

  test(`as ${last?.name} asks before it does something, is gone on with, and refused where nobody can be asked`, async () => {
    using desk = makeDesk(last ?? { name: "nobody" });
    makeTrap(desk);
    desk.folder("signs");
    desk.file("signs/go", "");
    const asking = ["--permission-mode", "default", "--apply", "all"];
    const named = flags(desk, "--session", "asked-first", ...asking, name);
    const running = desk.startOnTerminal([...named, `Look round with ${name}`], options());
    let answered = 0;
    // OpenCode asks a second time, for what lies outside of the folder.
    running.child.stdout?.on("data", () => {
      const asked = running.text().split("or no and why: ").length - 1;
      for (; answered < asked; answered += 1) running.child.stdin?.write("y\n");
    });
    expect([(await running.ended).code, running.text()]).toEqual([
      0,
      expect.stringContaining("Looked, as asked."),
    ]);
    expect([answered > 0, readFileSync(path.join(desk.work, "made.txt"), "utf8")]).toEqual([
      true,
      "made in a cell\n",
    ]);
    expect(readdirSync(desk.work).filter((one) => ["mcp", "hook", "plugin"].includes(one))).toEqual([]);
    expectNoKeyInside(model, running.text());

    const goingOn = (...more: readonly string[]) =>
      desk.workcell(
        [...flags(desk, "--resume", "asked-first", ...more), `Look again with ${name}`],
        options(),
      );
    const ended = await goingOn("--permission-mode", "default");
    expect([ended.code, existsSync(path.join(desk.work, "again.txt"))]).toEqual([3, false]);
    expect(ended.stderr).not.toContain("1 added");
    // What was said in the same minute is still there the next time.
    if (name === "gemini") {
      expect(await goingOn("--permission-mode", "default")).toMatchObject({
        ...{ code: 3, stdout: expect.stringContaining("Looked, as asked.") },
      });
    }
    const lastly = vendors.arrived.filter(({ path: place }) => place.startsWith(model)).at(-1);
    expect(lastly?.body).toContain(name === "gemini" ? "Look" : "Speak plainly, as the folder asks.");
    expect(lastly?.body).toMatch(/Look round with[\s\S]*Looked, as asked[\s\S]*Look again with/);
    expect((await desk.workcell(["session", "rm", "asked-first", "--force"])).code).toBe(0);
  });
});
