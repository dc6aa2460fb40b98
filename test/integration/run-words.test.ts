import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Plan } from "../../src/model/index.ts";
import { type Desk, makeDesk, someWays } from "../helpers/run-workcell.ts";

/** Prints its words as the kernel handed them over, each ended by a NUL. */
const printWords = ["/usr/bin/printf", "%s\\0"];
const wordsOf = (stdout: string) => stdout.split("\0").slice(0, -1);

/** The variables of `env -0`. */
const variablesOf = (stdout: string) =>
  new Map(
    wordsOf(stdout).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

describe.each(someWays)("the words and variables of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("words reach the command one by one, whatever is in them", async () => {
    const words = [
      ...[
        "a b",
        "line\nbreak",
        "tab\t",
        "",
        " ",
        "ünïcødé 漢字 🦀",
        "-n",
        "--",
        "--help",
        "-m",
        "$HOME",
        "`id`",
      ],
      ...["'", '"', "\\", "*", "~", "!x", "a=b", ";", "&", "|", "\u0001", "%s", "-"],
    ];
    const ended = await desk.run([...printWords, ...words]);
    expect(ended.stderr).toBe("");
    expect(wordsOf(ended.stdout)).toEqual(words);
  });

  test("a word of 100 kB is handed over whole", async () => {
    const word = "x".repeat(100_000);
    expect(wordsOf((await desk.run([...printWords, word])).stdout)).toEqual([word]);
  });

  test("-- may stand before the command, and what stands after the command is the command's", async () => {
    const script = ["sh", "-c", 'echo "$@"', "sh", "--outcome", "x", "--", "--version"];
    const plain = await desk.run(script);
    const dashed = await desk.run(["--", ...script]);
    expect([plain.stdout, dashed.stdout]).toEqual(Array(2).fill("--outcome x -- --version\n"));
    // After -- a word is a command, even one that looks like a flag.
    expect(await desk.run(["--", "--explain"])).toMatchObject({
      ...{ code: 127, stdout: "", stderr: 'workcell: "--explain" was not found in the cell\n' },
    });
  });

  test.each(["echo", "true", "printf", "test", "kill"])(
    "%s is the program of that name, never the shell's own",
    async (name) => {
      const inside = await desk.run([name, "--version"]);
      const outside = await desk.outside([`/usr/bin/${name}`, "--version"]);
      expect([inside.code, inside.stdout]).toEqual([outside.code, outside.stdout]);
    },
  );

  test("the command is looked up on PATH in its order, and by its path from where it starts", async () => {
    const tools = desk.folder("tools");
    for (const place of ["one", "two"]) {
      desk.folder(`tools/${place}`);
      desk.file(`tools/${place}/tool`, `#!/bin/sh\necho ${place} $0\n`, 0o755);
    }
    const on = (...names: string[]) => [
      ...["-m", `${tools}:ro`, "-e"],
      `PATH=${names.map((name) => path.join(tools, name)).join(":")}:/usr/bin:/bin`,
    ];
    expect((await desk.run([...on("one", "two"), "tool"])).stdout).toBe(`one ${tools}/one/tool\n`);
    expect((await desk.run([...on("two", "one"), "tool"])).stdout).toBe(`two ${tools}/two/tool\n`);
    expect((await desk.run(["-m", `${tools}:ro`, "one/tool"])).stdout).toMatch(/^one .*one\/tool\n$/);
    expect((await desk.run(["-m", `${tools}:ro`, "tool"])).code).toBe(127);
  });

  test("the variables are exactly the plan's: nothing of the host's, of bwrap's or of the shell's", async () => {
    const env = { SECRET_TOKEN: "hunter2", AWS_ACCESS_KEY_ID: "k", LANG: "C.UTF-8", TZ: "UTC" };
    const { stdout } = await desk.run(["--session", "variables", "env", "-0"], { env });
    const cells = path.join(desk.state, "sessions/variables/cells");
    const record = path.join(cells, readdirSync(cells)[0] ?? "", "plan.json");
    const plan = JSON.parse(readFileSync(record, "utf8")) as Plan;
    const expected = new Map(plan.environment.map(({ name, value }) => [name, value]));
    const found = variablesOf(stdout);
    // The shell that starts the command says where it is, and which program it starts, as every shell does.
    expect(found.get("PWD")).toBe("/sessions/variables");
    for (const name of ["PWD", "_"]) found.delete(name);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect([found.get("LANG"), found.get("TZ"), found.has("SECRET_TOKEN")]).toEqual([
      "C.UTF-8",
      "UTC",
      false,
    ]);
  });

  test("-e sets a variable to any text, and passes the host's value in", async () => {
    const flags = [
      "A=1",
      "EMPTY=",
      "PADDED=  x ",
      "TEXT=a b\nc 'd' \"e\" $HOME ünï=x",
      "HERE",
      "ABSENT",
      "HOME=/tmp",
    ];
    const words = [...flags.flatMap((flag) => ["-e", flag]), "env", "-0"];
    const found = variablesOf((await desk.run(words, { env: { HERE: "passed" } })).stdout);
    const names = ["A", "EMPTY", "PADDED", "TEXT", "HERE", "ABSENT", "HOME"];
    expect(names.map((name) => found.get(name))).toEqual([
      ...["1", "", "  x ", "a b\nc 'd' \"e\" $HOME ünï=x", "passed", undefined, "/tmp"],
    ]);
  });

  test.each([
    ["BASH_ENV", "/tmp/none"],
    ["ENV", "/tmp/none"],
    ["LD_PRELOAD", "/no/such/library.so"],
    ["LD_LIBRARY_PATH", "/no/such"],
    ["NODE_OPTIONS", "--no-such-option"],
    ["PS4", "$(exit 3)"],
    ["LC_ALL", "de_DE.UTF-8"],
    ["POSIXLY_CORRECT", "1"],
    ["PROMPT_COMMAND", "exit 9"],
    ["TMOUT", "1"],
    ["CDPATH", "/usr"],
    ["GLOBIGNORE", "*"],
    ["id", "x"],
    ["f", "x"],
    ["H", "1"],
    ["socat", "/bin/false"],
    ["go", ""],
    ["REPLY", "x"],
  ])("-e %s=%s reaches the command, and does nothing to what starts it", async (name, value) => {
    const ended = await desk.run(["-e", `${name}=${value}`, "/usr/bin/printenv", name]);
    expect([ended.code, ended.stdout]).toEqual([0, `${value}\n`]);
  });

  test("the command has the CA file of NODE_EXTRA_CA_CERTS under its own name, and can read it", async () => {
    const file = desk.file("home/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    const script = 'cat "$NODE_EXTRA_CA_CERTS"; env | grep -c CA_CERTS';
    const ended = await desk.run(["sh", "-c", script], { env: { NODE_EXTRA_CA_CERTS: file } });
    expect([ended.code, ended.stdout]).toEqual([0, "-----BEGIN CERTIFICATE-----\n1\n"]);
    // One that is not there is not handed on as a path that leads nowhere.
    const gone = { NODE_EXTRA_CA_CERTS: "/no/such/ca.pem" };
    expect((await desk.run(["printenv", "NODE_EXTRA_CA_CERTS"], { env: gone })).code).toBe(1);
  });

  test.each([["077"], ["027"], ["002"]])("umask %s holds in the cell", async (mask) => {
    const out = desk.folder(`umask-${mask}`);
    const through = ["sh", "-c", `umask ${mask}; exec "$@"`, "sh"];
    const words = ["-m", `${out}:rw`, "sh", "-c", "umask; touch file; mkdir folder"];
    expect((await desk.run(words, { through })).stdout).toBe(`0${mask}\n`);
    const bits = 0o777 & ~Number.parseInt(mask, 8);
    expect(statSync(path.join(out, "file")).mode & 0o777).toBe(bits & 0o666);
    expect(statSync(path.join(out, "folder")).mode & 0o777).toBe(bits);
  });

  test("the hostname, the user and the home are the session's", async () => {
    const script = "hostname; id -un; echo $USER $HOME; echo ~; pwd; cat /etc/hostname";
    const { stdout, stderr } = await desk.run(["--session", "who-am-i", "sh", "-c", script]);
    const home = "/sessions/who-am-i";
    expect([stdout, stderr]).toEqual([`claude\nwho-am-i\nwho-am-i ${home}\n${home}\n${home}\nclaude\n`, ""]);
  });

  test("a working directory that is gone is told as such", async () => {
    const gone = desk.folder("work/gone");
    const through = ["sh", "-c", `cd ${gone} && rm -r ${gone} && exec "$@"`, "sh"];
    const ended = await desk.run(["true"], { through });
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toContain("workcell: Cannot start: the working directory is gone, and one");
  });
});
