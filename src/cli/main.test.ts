import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WorkcellError } from "../errors/index.ts";
import { commands } from "./commands/index.ts";
import { main } from "./main.ts";
import { jsonError, renderError } from "./render/error.ts";

const said: { stdout: string[]; stderr: string[] } = { stdout: [], stderr: [] };

beforeEach(() => {
  for (const name of ["stdout", "stderr"] as const) {
    said[name] = [];
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      said[name].push(String(text));
      return true;
    });
  }
  vi.stubGlobal("WORKCELL_VERSION", "1.2.3");
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function workcell(...argv: readonly string[]) {
  const exitCode = await main(argv, "/nonexistent");
  return { exitCode, stdout: said.stdout.join(""), stderr: said.stderr.join("") };
}

const refusal = (what: string, remedy: string) => ({
  exitCode: 125,
  stdout: "",
  stderr: `workcell: ${what} (WC_USAGE)\n  remedy: ${remedy}\n`,
});

test.each([
  [[], "No command is given, and one is needed"],
  [["fly"], '"fly" is not a command of workcell'],
  [["constructor"], '"constructor" is not a command of workcell'],
  [["--fly"], '"--fly" is not a command of workcell'],
  [["\u001b[2J"], '"\\u001b[2J" is not a command of workcell'],
])("main(%j) says what is wrong and where to look, and ends with 125", async (argv, what) => {
  expect(await workcell(...argv)).toEqual(refusal(what, "See: workcell --help"));
});

test.each([
  ["gc", "session"],
  ["aply", "apply"],
])("main(%j) is no command, and the help of %s is named", async (word, meant) => {
  expect(await workcell(word)).toEqual(
    refusal(`"${word}" is not a command of workcell`, `See: workcell ${meant} --help`),
  );
});

test("main() refuses an unknown flag, and a run without a command", async () => {
  expect(await workcell("run", "--fly", "true")).toEqual(
    refusal(
      'Cannot read the command line: "--fly" is not a flag of workcell run',
      "See: workcell run --help",
    ),
  );
  said.stderr = [];
  expect(await workcell("run", "--explain")).toEqual(
    refusal("Cannot run: no command is given, and one is needed", "Name it last: workcell run -m . npm test"),
  );
});

test.each(["--help", "-h", "help"])("main(%j) lists every command", async (word) => {
  const { exitCode, stdout, stderr } = await workcell(word);
  const listed = [...stdout.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
  expect([exitCode, stderr, listed]).toEqual([0, "", Object.keys(commands)]);
});

test.each(Object.keys(commands))("main() shows %s's help, version and example", async (name) => {
  const { exitCode, stdout, stderr } = await workcell(name, "--help");
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(new RegExp(`^workcell ${name}: `));
  expect(stdout).toMatch(new RegExp(`^Example: workcell ${name}\\b`, "m"));
  said.stdout = [];
  expect(await workcell(name, "--version")).toEqual({ exitCode: 0, stdout: "workcell 1.2.3\n", stderr: "" });
});

test("main() takes help NAME for NAME --help, and never runs what follows", async () => {
  const shown = [];
  for (const words of [
    ["run", "--help"],
    ["help", "run"],
    ["help", "run", "true"],
  ]) {
    said.stdout = [];
    shown.push(await workcell(...words));
  }
  expect(shown.slice(1)).toEqual([shown[0], shown[0]]);
  said.stdout = [];
  expect((await workcell("help", "session", "exec")).stdout).toMatch(/^workcell session exec: /);
  expect((await workcell("help", "fly")).stderr).toContain('"fly" is not a command of workcell');
});

test("main() passes what follows a command to it, --help too", async () => {
  const run = vi.fn(async () => 7);
  const { run: load } = commands;
  const command = await load?.();
  if (command === undefined) throw new TypeError("there is no run");
  vi.spyOn(command, "run").mockImplementation(run);
  expect((await workcell("run", "-w", "/tmp", "npm", "--help")).exitCode).toBe(7);
  expect(run).toHaveBeenCalledWith(expect.anything(), ["npm", "--help"], expect.anything());
});

test("main() gives commands the environment as the person had it", async () => {
  vi.stubEnv("WORKCELL_NODE_EXTRA_CA_CERTS", "/ca.pem");
  vi.stubEnv("NODE_EXTRA_CA_CERTS", "");
  const command = await commands["run"]?.();
  if (command === undefined) throw new TypeError("there is no run");
  let seen: Readonly<Record<string, string>> = {};
  vi.spyOn(command, "run").mockImplementation(async (_flags, _words, context) => {
    seen = context.env;
    return 0;
  });
  await workcell("run", "true");
  vi.unstubAllEnvs();
  expect(seen["NODE_EXTRA_CA_CERTS"]).toBe("/ca.pem");
  expect(seen).not.toHaveProperty("WORKCELL_NODE_EXTRA_CA_CERTS");
});

test("main() ends quietly when its reader has gone", async () => {
  vi.spyOn(process.stdout, "write").mockImplementation(() => {
    throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  });
  expect(await workcell("--help")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

test("renderError() shows what a person can act on, and nothing that steers a terminal", () => {
  const error = new WorkcellError("WC_MOUNT", {
    message: 'Cannot connect "\u001b[2J"',
    remedy: "Rename\u0007 it",
  });
  expect(renderError(error)).toBe(
    'workcell: Cannot connect "\\u001b[2J" (WC_MOUNT)\n  remedy: Rename\\u0007 it\n',
  );
  expect(jsonError(error)).toEqual({
    schema: "workcell.error/1",
    ...{ code: "WC_MOUNT", message: error.message, remedy: error.remedy, exitCode: 125 },
  });
});

test("renderError() shows where an error of Workcell's own came from", () => {
  const text = renderError(new TypeError("odd \u001b[2J"));
  expect(text).toMatch(/^workcell: internal error: TypeError: odd \\u001b\[2J\n {4}at .*main\.test\.ts/);
  expect(text).toMatch(/\n {2}remedy: Report this with the command that led to it\n$/);
  expect(renderError("a word")).toMatch(/^workcell: internal error: a word\n/);
});

test("renderError() says what the machine refused, and what to look at", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, mkdir '/s'"), {
    ...{ code: "ENOSPC", syscall: "mkdir", path: "/s" },
  });
  expect(renderError(full)).toMatch(
    /^workcell: Cannot go on: the machine refused mkdir "\/s" \(ENOSPC\)\n {2}remedy: See that the disk has room/,
  );
});
