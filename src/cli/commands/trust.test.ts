import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../../../test/helpers/command-context.ts";
import { failureOf } from "../../../test/helpers/failure.ts";
import { tempFolder } from "../../../test/helpers/temp-folder.ts";
import { parseAuditLine } from "../../report/index.ts";
import { listAgreements } from "../../settings/index.ts";
import { trust } from "./trust.ts";

const content = '{\n  "network": { "allow": ["a.example"] }\n}\n';

function house(text: string | undefined = content) {
  const root = tempFolder();
  const [home, cwd] = [path.join(root, "home"), path.join(root, "work")];
  for (const folder of [home, cwd]) mkdirSync(folder);
  const file = path.join(cwd, ".workcell.json");
  const native = path.join(root, "native");
  mkdirSync(native);
  // A lock that is always free; the real one has tests of its own.
  writeFileSync(path.join(native, "cellhost"), "#!/bin/sh\n", { mode: 0o755 });
  const log = path.join(home, ".local/state/workcell/audit.jsonl");
  if (text !== undefined) writeFileSync(file, text);
  return {
    root,
    home,
    cwd,
    file,
    native,
    run: (argv: readonly string[], typed?: string) =>
      runCommand(trust, argv, { cwd, home, installation: root, ...(typed !== undefined && { typed }) }),
    audited: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []).map(parseAuditLine),
    agreed: async () => (await listAgreements({ env: {}, home })).map(({ folder }) => folder),
  };
}

const shown = (file: string) =>
  [
    `${file}, 44 bytes:`,
    "",
    "  {",
    '    "network": { "allow": ["a.example"] }',
    "  }",
    "",
    "In every run that is started in this folder, it would",
    "  - let connections through to: a.example",
    "",
  ].join("\n");

test("trust shows content and effects, asks, and agrees on y", async () => {
  const { cwd, file, run, agreed } = house();
  expect(await run([], "y\n")).toEqual({
    exitCode: 0,
    stdout: `${shown(file)}Agreed: the file is used until it changes\n`,
    stderr: "Agree to exactly this? [y/N] ",
  });
  expect(await agreed()).toEqual([cwd]);
});

test.each(["\n", "n\n", "yo\n", ""])("trust agrees to nothing on %j", async (typed) => {
  const { file, home, run } = house();
  expect(await run([], typed)).toEqual({
    exitCode: 1,
    stdout: `${shown(file)}Not agreed: the file is not used\n`,
    stderr: "Agree to exactly this? [y/N] ",
  });
  expect(existsSync(path.join(home, ".local"))).toBe(false);
});

test("trust without a terminal agrees to nothing, unless --yes is given", async () => {
  const { cwd, file, run, agreed } = house();
  expect(await failureOf(() => run([]))).toEqual({
    code: "WC_TRUST",
    message: `Cannot ask whether to use "${file}": input and output are not a terminal, and a person who answers is needed`,
    remedy: `Read the file, then agree to it: workcell trust --yes "${cwd}"`,
  });
  expect(await agreed()).toEqual([]);
  expect(await run(["--yes"])).toEqual({
    exitCode: 0,
    stdout: `${shown(file)}Agreed: the file is used until it changes\n`,
    stderr: "",
  });
  expect(await agreed()).toEqual([cwd]);
});

test("trust does not ask a person who has not seen the content, because it went into a pipe", async () => {
  const { cwd, home, agreed } = house();
  const { code } = await failureOf(() => runCommand(trust, [], { cwd, home, typed: "y\n", piped: true }));
  expect([code, await agreed()]).toEqual(["WC_TRUST", []]);
});

test("trust shows what is agreed to already without asking again", async () => {
  const { file, run } = house();
  await run(["--yes"]);
  expect(await run([])).toEqual({
    exitCode: 0,
    stdout: `${shown(file)}Already agreed to exactly this\n`,
    stderr: "",
  });
});

test("trust lets nothing in the content steer the terminal", async () => {
  const { run } = house('{"environment": {"A": "\u202e\u009b31m\u200b"}}');
  const { stdout } = await run(["--yes"]);
  expect(stdout).toContain('  {"environment": {"A": "\\u202e\\u009b31m\\u200b"}}\n');
  expect(stdout).not.toMatch(/[\u202e\u009b\u200b]/);
});

test.each([
  ['{"uidRange": {"first": 5000, "last": 6000}}', /a folder's own file may never set it$/],
  ['{"mounts": ["/etc:ro"]}', /may connect only what is in it$/],
  ['{"alow": 1}', /there is no such setting/],
  ["{", /it is not JSON at line 1, column 2$/],
])("trust refuses %s, whoever agrees", async (text, message) => {
  const { run, agreed } = house(text);
  const failure = await failureOf(() => run(["--yes"], "y\n"));
  expect([failure.code, message.test(failure.message), await agreed()]).toEqual(["WC_SETTINGS", true, []]);
});

test("trust refuses a missing file and a link", async () => {
  const { root, file, run } = house();
  rmSync(file);
  expect(await failureOf(() => run(["--yes"]))).toEqual({
    code: "WC_TRUST",
    message: `Cannot show the settings file "${file}": there is no such file`,
    remedy: "Name the folder that it is in; docs/settings.md says what may stand in one",
  });
  writeFileSync(path.join(root, "other.json"), "{}");
  symlinkSync("../other.json", file);
  expect(await failureOf(() => run(["--yes"]))).toEqual({
    code: "WC_TRUST",
    message: `Cannot show the settings file "${file}": it is a symbolic link; it must be a small, plain file`,
    remedy: `Make "${file}" a plain file`,
  });
});

test("trust names a folder, lists, and takes back, also when the folder is gone", async () => {
  const { cwd, home, root, run, agreed } = house();
  const elsewhere = (argv: readonly string[]) =>
    runCommand(trust, argv, { cwd: root, home, installation: root });
  expect((await elsewhere(["--list"])).stdout).toBe("Nothing is agreed to\n");
  await elsewhere(["--yes", "work"]);
  const { stdout } = await elsewhere(["--list"]);
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}\/.*\/work\n$/);
  expect(JSON.parse((await run(["--list", "--json"])).stdout)).toMatchObject([{ folder: cwd }]);
  rmSync(cwd, { recursive: true });
  expect(await elsewhere(["--revoke", "work"])).toEqual({
    exitCode: 0,
    stdout: `Taken back: .workcell.json of "${cwd}" is not used any more\n`,
    stderr: "",
  });
  expect(await agreed()).toEqual([]);
  expect(await failureOf(() => elsewhere(["--revoke", "work"]))).toEqual({
    code: "WC_TRUST",
    message: `Cannot take back the agreement for "${cwd}": there is none`,
    remedy: "See what is agreed to: workcell trust --list",
  });
});

test.each([
  [["a", "b"], '"b" is a second folder, and one is needed'],
  [["--json"], '"--json" is for "--list"'],
])("trust %j is refused", async (argv, problem) => {
  expect(await failureOf(() => house().run(argv))).toEqual({
    code: "WC_USAGE",
    message: `Cannot read the command line: ${problem}`,
    remedy: "See: workcell trust --help",
  });
});

test("trust writes down what was agreed to and what was taken back, and nothing of a refusal", async () => {
  const { cwd, file, run, audited } = house();
  await run([], "n\n");
  expect(audited()).toEqual([]);
  await run(["--yes"]);
  await run(["--yes"]);
  await run(["--revoke"]);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const event = {
    session: "",
    cell: "",
    kind: "trust",
    layer: "settings",
    origin: "workcell trust",
    subject: file,
  };
  expect(audited()).toMatchObject([
    { ...event, seq: 1, decision: "allow", rule: `agreed to sha256 ${sha256}` },
    { ...event, seq: 2, decision: "deny", rule: "the agreement was taken back" },
  ]);
  expect(cwd).toBe(path.dirname(file));
});

test("trust agrees to nothing that cannot be written down, and takes back all the same", async () => {
  const { native, run, agreed, cwd } = house();
  const lock = path.join(native, "cellhost");
  writeFileSync(lock, "#!/bin/sh\nexit 1\n");
  expect([(await failureOf(() => run(["--yes"]))).code, await agreed()]).toEqual(["WC_AUDIT", []]);
  writeFileSync(lock, "#!/bin/sh\n");
  await run(["--yes"]);
  expect(await agreed()).toEqual([cwd]);
  writeFileSync(lock, "#!/bin/sh\nexit 1\n");
  expect([(await failureOf(() => run(["--revoke"]))).code, await agreed()]).toEqual(["WC_AUDIT", []]);
});
