import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { workplace } from "../../../test/helpers/agent-tools.ts";
import { glob } from "./glob.ts";
import { globExpression } from "./glob-pattern.ts";
import { grep } from "./grep.ts";

function tree(files: Readonly<Record<string, string>>, env?: NodeJS.ProcessEnv) {
  const desk = workplace(env);
  for (const [index, [name, content]] of Object.entries(files).entries()) {
    const file = path.join(desk.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, 1000 + index, 1000 + index);
  }
  const within = (text: string) => text.replaceAll(`${desk.folder}/`, "");
  return { ...desk, within };
}

test.each([
  ["*.ts", "a.ts", true],
  ["*.ts", "in/a.ts", false],
  ["**/*.ts", "a.ts", true],
  ["**/*.ts", "in/deep/a.ts", true],
  ["src/**", "src/a/b", true],
  ["src/**/x", "src/x", true],
  ["*.{js,ts}", "a.ts", true],
  ["*.{js,ts}", "a.rs", false],
  ["[a-c]?.txt", "b1.txt", true],
  ["[!a-c]?.txt", "b1.txt", false],
  ["a+(b).txt", "a+(b).txt", true],
  ["a\\*", "a*", true],
  ["a\\*", "ab", false],
  ["*.tar.{gz,{xz,zst}}", "x.tar.zst", true],
  ["ü*", "übung", true],
])("globExpression(%s) and %s: %s", (pattern, file, matches) => {
  expect(globExpression(pattern).test(file)).toBe(matches);
});

test.each(["{a,b", "[z-a]"])("globExpression(%s) says what is wrong", (pattern) => {
  expect(() => globExpression(pattern)).toThrow(/The pattern "/);
});

test("Glob finds files, the newest first, hidden ones too, without what usually disturbs", async () => {
  const files = { "a.ts": "", "in/b.ts": "", ".github/c.ts": "", "node_modules/x/d.ts": "", ".git/e.ts": "" };
  const { call, folder, within } = tree(files);
  symlinkSync("..", path.join(folder, "in/loop"));
  const found = async (input: object) => within((await call(glob, input)).text).split("\n");
  expect(await found({ pattern: "**/*.ts" })).toEqual([".github/c.ts", "in/b.ts", "a.ts"]);
  expect(await found({ pattern: "*.ts" })).toEqual(["a.ts"]);
  expect(await found({ pattern: "*.ts", path: "in" })).toEqual(["in/b.ts"]);
  expect(await found({ pattern: "node_modules/**/*.ts" })).toEqual(["node_modules/x/d.ts"]);
  expect(await found({ pattern: path.join(folder, "in/*.ts") })).toEqual(["in/b.ts"]);
  expect((await call(glob, { pattern: "*.rs" })).text).toContain("No file matches");
});

test("Glob shows 100 files, and says how many more there are and where", async () => {
  const { call } = tree(Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`f${index}`, ""])));
  const { text } = await call(glob, { pattern: "f*" });
  const [, file = ""] = /\[30 older files of 130 are left out; all of them are in (\S+)\]$/.exec(text) ?? [];
  expect(text.split("\n")).toHaveLength(101);
  expect(readFileSync(file, "utf8").split("\n")).toHaveLength(131);
});

const hasRipgrep = spawnSync("rg", ["--version"]).status === 0;
const ways = [
  ["ripgrep", hasRipgrep, process.env],
  ["Node alone", true, { PATH: "/nonexistent" }],
] as const;

test("Grep with Node alone stops an expression that would take for ever", async () => {
  const { call } = tree({ long: `${"a".repeat(60)}b\n` }, { PATH: "/nonexistent" });
  await expect(call(grep, { pattern: "(a+)+$" })).rejects.toThrow("Use a simpler one");
});

describe.each(ways)("Grep with %s", (name, isHere, env) => {
  const files = {
    "a.js": "const one = 1;\nconst two = 2;\n// One more\nlast\n",
    "in/b.ts": "one\ntwo\nthree\n",
    ".hidden": "one\n",
    binary: "one\0one\n",
    "node_modules/c.js": "one\n",
  };
  const search = async (input: object) => {
    const { call, within } = tree(files, env);
    const { text } = await call(grep, input);
    return within(text)
      .split("\n")
      .filter((line) => !line.startsWith("[ripgrep is not installed"));
  };

  test.skipIf(!isHere)(`finds the same (${name})`, async () => {
    expect(await search({ pattern: "\\bone\\b" })).toEqual([".hidden", "in/b.ts", "a.js"]);
    expect((await search({ pattern: "one", output_mode: "count" })).sort()).toEqual([
      ".hidden:1",
      "a.js:1",
      "in/b.ts:1",
    ]);
    expect((await search({ pattern: "ONE", "-i": true, output_mode: "count", glob: "*.js" })).sort()).toEqual(
      ["a.js:2"],
    );
    expect(await search({ pattern: "two", output_mode: "content", type: "js", "-C": 1 })).toEqual([
      "a.js-1-const one = 1;",
      "a.js:2:const two = 2;",
      "a.js-3-// One more",
    ]);
    expect(await search({ pattern: "two", output_mode: "content", "-n": false, path: "in" })).toEqual([
      "in/b.ts:two",
    ]);
    expect(await search({ pattern: "one.two", multiline: true })).toEqual(["in/b.ts"]);
    expect(await search({ pattern: "one|last", output_mode: "content", "-A": 0, path: "a.js" })).toEqual([
      "a.js:1:const one = 1;",
      "a.js:4:last",
    ]);
    expect((await search({ pattern: "nowhere" }))[0]).toContain("Nothing matches");
    await expect(search({ pattern: "(" })).rejects.toThrow();
    await expect(search({ pattern: "one", type: "klingon" })).rejects.toThrow();
  });

  test.skipIf(!isHere)(`says what it leaves out (${name})`, async () => {
    const { call } = tree({ many: "x\n".repeat(1000), wide: `y${"z".repeat(5000)}\n` }, env);
    const { text } = await call(grep, { pattern: "x", output_mode: "content", head_limit: 10, offset: 5 });
    expect(text.split("\n")[0]).toMatch(/many:6:x$/);
    const [, file = ""] = /\[10 of 1000 lines, from line 6 on; all of them are in (\S+)\]/.exec(text) ?? [];
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(1001);
    const wide = await call(grep, { pattern: "y", output_mode: "content", path: "wide" });
    expect(wide.text.length).toBeLessThan(1000);
    expect(wide.text).toMatch(/\[(4501 more characters in this line|\.\.\. omitted end of long line)\]$/m);
  });
});
