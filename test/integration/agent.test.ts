import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ScriptedModel, startScriptedModel } from "../../src/agent/index.ts";
import type { Line } from "../helpers/messages-api.ts";
import { type Desk, type Ended, makeDesk, people } from "../helpers/run-workcell.ts";

const root = path.resolve(import.meta.dirname, "../..");
const words = ["--json", "--allowedTools", "Bash,Edit,Write", "Make the failing test pass"];
const repaired = "return Math.round(sum * (1 - discountPercent / 100));";

describe.each(people)("the built-in agent with the scripted model, as $name", (person) => {
  let desk: Desk;
  let model: ScriptedModel;
  let program: string;
  beforeAll(async () => {
    desk = makeDesk(person);
    model = await startScriptedModel();
    program = path.join(path.dirname(desk.program), "../dist/workcell-agent.js");
  });
  afterAll(async () => {
    desk[Symbol.dispose]();
    await model.close();
  });

  /** A copy of the example that belongs to the person. */
  const example = (name: string) => {
    const from = path.join(root, "examples/first-task");
    for (const folder of ["", "/src", "/test", "/orders"]) desk.folder(`${name}${folder}`);
    const files = ["package.json", "README.md", "src/total.js", "src/report.js", "test/total.test.js"];
    for (const file of [...files, "orders/ada.json", "orders/grace.json"])
      desk.file(`${name}/${file}`, readFileSync(path.join(from, file)));
    return path.join(desk.home, "..", name);
  };
  const environment = () => ({ ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "placeholder" });
  const tests = (folder: string) => desk.outside([process.execPath, "--test"], { cwd: folder });

  const expectDone = async (ended: Ended, folder: string) => {
    const lines = ended.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    expect([ended.stderr, ended.code]).toEqual(["", 0]);
    const called = lines.filter(({ type }) => type === "tool");
    expect(called.filter(({ parent }) => parent === null).map(({ name }) => name)).toEqual([
      ...["Glob", "Read", "Bash", "Grep", "Read", "Task", "Edit", "Bash", "Write"],
    ]);
    expect(called.filter(({ parent }) => parent !== null)).toMatchObject([
      { name: "Grep", parent: expect.stringMatching(/^toolu_/) },
    ]);
    expect(lines.filter(({ type }) => type === "tool-ended")).toHaveLength(called.length);
    const text = lines.flatMap((line) => (line.type === "text" ? [line["text"]] : [])).join("");
    expect(text).toMatch(/^This is Workcell's scripted model, not an AI/);
    expect(lines.at(-1)).toMatchObject({
      ...{ type: "ended", status: "done", denials: [] },
      text: expect.stringContaining("Done: the failing test passes"),
      models: { scripted: { costUsd: 0 } },
    });
    expect(readFileSync(path.join(folder, "src/total.js"), "utf8")).toContain(repaired);
    expect(readFileSync(path.join(folder, "CHANGES.md"), "utf8")).toContain("- Ada: 30.60\n- Grace: 17.98\n");
    expect((await tests(folder)).code).toBe(0);
  };

  test("repairs the example on a plain Node: the test fails before and passes after", async () => {
    const folder = example("plain");
    expect((await tests(folder)).code).toBe(1);
    const ended = await desk.outside([process.execPath, program, ...words], {
      cwd: folder,
      env: environment(),
    });
    await expectDone(ended, folder);
    // A second run finds nothing to do: what the script says comes of what it sees.
    const again = await desk.outside([process.execPath, program, ...words], {
      cwd: folder,
      env: environment(),
    });
    expect(again.stdout).toContain("All tests pass already");
  });

  test("bin/workcell-agent says what it is, and ends with 1 where there is no task", async () => {
    const launcher = path.join(path.dirname(desk.program), "workcell-agent");
    expect((await desk.outside([launcher, "--version"])).stdout).toMatch(
      /^\d+\.\d+\.\d+ \(Workcell agent\)\n$/,
    );
    expect(await desk.outside([launcher])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("There is no task"),
    });
  });

  test("says so when the tests still fail after its change", async () => {
    const folder = example("stubborn");
    desk.file("stubborn/test/other.test.js", 'throw new Error("for ever");\n');
    const ended = await desk.outside([process.execPath, program, ...words], {
      cwd: folder,
      env: environment(),
    });
    expect(ended.stdout).toContain("The tests still fail, so the task is not done");
    expect(ended.stdout).not.toContain("the failing test passes");
  });

  test("repairs the example in a cell, and reaches its model by the gate alone", async () => {
    const folder = example("caged");
    const start = (...flags: readonly string[]) => {
      const variables = Object.entries(environment()).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
      const mounts = ["-m", `${folder}:rw`, "-m", `${path.dirname(program)}:ro`];
      const command = ["node", program, ...words];
      return desk.run(
        [...mounts, ...variables, "-e", "CLAUDE_CODE_MAX_RETRIES=0", ...flags, "--", ...command],
        {
          within: 50_000,
        },
      );
    };
    const refused = await start();
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('"kind":"unreachable"');
    expect(readFileSync(path.join(folder, "src/total.js"), "utf8")).not.toContain(repaired);
    await expectDone(await start("--allow-host", `127.0.0.1:${model.port}`), folder);
    expect(statSync(path.join(folder, "CHANGES.md")).uid).toBe(statSync(folder).uid);
  });
});
