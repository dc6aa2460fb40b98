import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runSettingsCase } from "../../bench/measure/run-settings-case.mjs";
import { settingsGroups } from "../../bench/measure/settings-cases.mjs";
import { settingsFile } from "../../bench/measure/settings-cases-shared.mjs";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** What Workcell answers otherwise than required, each with its reason in docs/settings.md. */
const known: Readonly<Record<string, string>> = {
  "6.1": "not offered",
};

const person = { name: "whoever runs the tests" };
let desk: Desk;
let parent: string;
let port: number;
const server = http.createServer((_, response) => response.end("served"));

beforeAll(async () => {
  desk = makeDesk(person);
  parent = mkdtempSync(path.join(tmpdir(), "workcell-cases-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});

afterAll(() => {
  server.close();
  desk[Symbol.dispose]();
  rmSync(parent, { recursive: true, force: true });
});

describe.each(settingsGroups)("group $group of the settings' cases: $title", ({ cases }) => {
  test.each(cases.map((given) => [given.id, given.title, given] as const))("%s %s", async (id, _, given) => {
    const program = {
      id: "ours",
      words: (settings: string) => [desk.program, "run", "--settings", settings, "--"],
      env: { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` },
    };
    const answer = await runSettingsCase(given, program, { parent, port });
    expect(answer).toBe(known[id] ?? given.required);
  });
});

describe.each(people)("settings of sandbox-runtime for $name", (someone) => {
  let own: Desk;
  beforeAll(() => {
    own = makeDesk(someone);
  });
  afterAll(() => own[Symbol.dispose]());

  const run = (filesystem: object, script: string) => {
    const settings = own.file("srt.json", JSON.stringify(settingsFile(filesystem)));
    return own.run(["--settings", settings, "--", "bash", "-c", script], { cwd: own.work });
  };

  test("what may not be written and was not there is taken out, kept, and told", async () => {
    const { stderr } = await run({ denyWrite: ["new"] }, "mkdir new; echo kept >new/file");
    const kept = /is kept as (\S+)\n/.exec(stderr)?.[1] ?? "";
    expect(stderr).toContain(`refused write ${own.work}/new (files: `);
    expect(kept).toMatch(new RegExp(`^${own.state}/sessions/[^/]+/quarantine/1/`));
    const [found, gone] = [await own.outside(["cat", `${kept}/file`]), await own.outside(["ls", own.work])];
    expect([found.stdout, gone.stdout]).toEqual(["kept\n", ""]);
  });

  test("what the person linked to is covered where it is", async () => {
    own.folder("work/real");
    own.file("work/real/file", "kept\n");
    symlinkSync("real", path.join(own.work, "link"));
    const { stdout } = await run({ denyWrite: ["link"] }, "echo x >real/file; cat real/file");
    expect(stdout).toBe("kept\n");
  });

  test("workcell run --explain lists the differences, and starts nothing", async () => {
    const settings = own.file("srt.json", JSON.stringify(settingsFile({ allowWrite: ["/tmp", "nope"] })));
    const { code, stdout } = await own.run(["--settings", settings, "--explain", "true"], { cwd: own.work });
    expect(code).toBe(0);
    expect(stdout).toContain("\nDifferences from sandbox-runtime, whose settings file this is\n");
    expect(stdout).toContain(
      'filesystem.allowWrite[0] (another way): there, can be written to; here, "/tmp" is',
    );
    expect(stdout).toContain("filesystem.allowWrite[1] (without effect): there, skipped: it does not exist");
  });

  test("a folder's own file of this shape counts once it is agreed to, and may not reach out of its folder", async () => {
    own.folder("out");
    const file = own.file("work/.workcell.json", JSON.stringify(settingsFile({ allowWrite: ["../out"] })));
    const refused = await own.workcell(["trust", "--yes"], { cwd: own.work });
    expect([refused.code, refused.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("outside the folder"),
    ]);
    rmSync(file);
  });
});

test("without a cell the same attempts succeed", () => {
  const folder = mkdtempSync(path.join(parent, "control-"));
  writeFileSync(path.join(folder, "kept"), "");
  const script =
    "echo x >>kept && echo x >.bashrc && mkdir -p .git/hooks && echo x >.git/hooks/pre-commit && echo DONE";
  expect(execFileSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" })).toBe("DONE\n");
});
