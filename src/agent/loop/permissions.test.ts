import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../test/helpers/temp-folder.ts";
import { ruleFor } from "../permit.ts";
import { allTools } from "../tools/all-tools.ts";
import { judge, type PermissionMode } from "./permissions.ts";

function decide(
  name: string,
  input: object,
  rules: { allow?: string[]; deny?: string[]; mode?: PermissionMode; cwd?: string; root?: string },
) {
  const tool = allTools.find((each) => each.name === name);
  if (tool === undefined) throw new Error(name);
  const { allow = [], deny = [], mode = "default", root = "/work", cwd = root } = rules;
  return judge({ mode, allow, deny }, { tool, input, cwd, root }).decision;
}

test.each([
  ["npm test", "npm test:*", "allow"],
  ["npm test -- --watch", "npm test:*", "allow"],
  ["npm testify", "npm test:*", "ask"],
  ["npm test && npm test x", "npm test:*", "allow"],
  ["npm test && rm -rf /", "npm test:*", "ask"],
  ["npm test; rm x", "npm test:*", "ask"],
  ["npm test\nrm x", "npm test:*", "ask"],
  ["npm test & rm x", "npm test:*", "ask"],
  ["npm test | sh", "npm test:*", "ask"],
  ["npm test $(rm x)", "npm test:*", "ask"],
  ["npm test `rm x`", "npm test:*", "ask"],
  ["npm test > /etc/passwd", "npm test:*", "ask"],
  // Output that becomes a command without a sign of it: bash expands what stands in the variable a second time.
  ["npm test \u0024{x:=$'\\x24(rm x)'} \u0024{x@P}", "npm test:*", "ask"],
  ["npm test $[x]", "npm test:*", "ask"],
  ["npm test \u0024{HOME} $HOME", "npm test:*", "allow"],
  // Bash takes the first word as the path of a program, in a folder whose name ends with a space of another kind.
  ["ls\u00a0/../evil", "ls:*", "ask"],
  ["ls\r/../evil", "ls:*", "ask"],
  ["\u00a0ls", "ls", "ask"],
  ["git status", "git *", "allow"],
  ["git status", "git status", "allow"],
  ["git status -s", "git status", "ask"],
  ["a.c", "a?c", "ask"],
])("the command %j under the rule Bash(%s): %s", (command, rule, decision) => {
  expect(decide("Bash", { command }, { allow: [`Bash(${rule})`] })).toBe(decision);
});

test.each([
  ["echo; sudo x", "deny"],
  ["sudo x", "deny"],
  ["(sudo x)", "deny"],
  ["echo $(sudo x)", "deny"],
  ["echo `sudo x`", "deny"],
  ["{ sudo x; }", "deny"],
  ["A=1 sudo x", "deny"],
  ["if true; then sudo x; fi", "deny"],
  ["/usr/bin/sudo x", "deny"],
  ["\\sudo x", "deny"],
  ["'su'do x", "deny"],
  ["echo sudo x", "ask"],
  ["pseudo x", "ask"],
])("the command %j where Bash(sudo:*) is denied: %s", (command, decision) => {
  expect(decide("Bash", { command }, { deny: ["Bash(sudo:*)"] })).toBe(decision);
});

test.each([
  ["/work/src/a.ts", "src/**", "allow"],
  ["src/a.ts", "src/**", "allow"],
  ["/work/src/../x", "src/**", "ask"],
  ["/etc/passwd", "**", "ask"],
  ["/etc/passwd", "//etc/*", "allow"],
  ["/work/deep/a.md", "*.md", "allow"],
])("the file %s under the rule Edit(%s): %s", (file_path, rule, decision) => {
  expect(decide("Edit", { file_path }, { allow: [`Edit(${rule})`] })).toBe(decision);
});

test.each([
  ["default", ["ask", "ask", "allow", "allow"]],
  ["acceptEdits", ["ask", "allow", "allow", "allow"]],
  ["bypassPermissions", ["allow", "allow", "allow", "allow"]],
  ["plan", ["deny", "deny", "allow", "deny"]],
  ["dontAsk", ["deny", "deny", "allow", "allow"]],
] as const)("the mode %s for Bash, Write, Read and Task: %j", (mode, decisions) => {
  const calls = [
    ["Bash", { command: "x" }],
    ["Write", { file_path: "x" }],
    ["Read", { file_path: "x" }],
    ["Task", {}],
  ] as const;
  expect(calls.map(([name, input]) => decide(name, input, { mode }))).toEqual(decisions);
});

test("what is denied stays denied, whatever is allowed besides", () => {
  const rules = { allow: ["Bash", "Read"], deny: ["Bash", "Read(.env)"], mode: "bypassPermissions" as const };
  expect(decide("Bash", { command: "x" }, rules)).toBe("deny");
  expect(decide("Read", { file_path: "/work/.env" }, rules)).toBe("deny");
  expect(decide("Read", { file_path: "/work/x" }, rules)).toBe("allow");
  expect(decide("Write", { file_path: "../x" }, { mode: "acceptEdits" })).toBe("ask");
});

test("a link is judged by both its names, and a cd does not move what the rules are about", () => {
  const root = tempFolder();
  mkdirSync(path.join(root, "src"));
  symlinkSync("/etc", path.join(root, "src/out"));
  symlinkSync("/etc/not-there", path.join(root, "src/to-nothing"));
  symlinkSync("../.env", path.join(root, "src/other"));
  const file = (name: string) => ({ file_path: path.join(root, name) });
  const allow = ["Edit(src/**)", "Write(src/**)"];
  expect(decide("Edit", file("src/a"), { root, allow })).toBe("allow");
  for (const name of ["src/out/a", "src/to-nothing", "src/other"]) {
    expect(decide("Write", file(name), { root, allow })).toBe("ask");
    if (name !== "src/other") expect(decide("Write", file(name), { root, mode: "acceptEdits" })).toBe("ask");
  }
  expect(decide("Write", file("src/a"), { root, mode: "acceptEdits" })).toBe("allow");
  const deny = ["Edit(.env)", "Read(.env)"];
  const mode = "bypassPermissions";
  for (const cwd of [root, "/", path.join(root, "src")])
    for (const name of [".env", "src/../.env", "src/other"]) {
      expect(decide("Edit", file(name), { root, cwd, deny, mode })).toBe("deny");
      expect(decide("Write", file(name), { root, cwd, deny, mode })).toBe("deny");
      expect(decide("Grep", { path: path.join(root, name) }, { root, cwd, deny, mode })).toBe("deny");
    }
  expect(decide("Edit", file("env"), { root, deny, mode })).toBe("allow");
  expect(decide("Edit", { file_path: "/elsewhere/src/a" }, { root, cwd: "/elsewhere", allow })).toBe("ask");
  expect(
    decide("Edit", { file_path: "/elsewhere/a" }, { root, cwd: "/elsewhere", mode: "acceptEdits" }),
  ).toBe("ask");
});

test("always is about one command, and never about all because there was none", () => {
  const [tool] = allTools.filter(({ name }) => name === "Bash");
  if (tool === undefined) throw new Error("Bash");
  const rule = (input: unknown) =>
    ruleFor({ id: "1", tool, input, cwd: "/work", root: "/work", parent: null });
  expect(rule({ command: "ls -l" })).toEqual({ toolName: "Bash", ruleContent: "ls -l" });
  for (const input of [{ command: "" }, { command: ["ls"] }, {}, null, { command: "ls *" }])
    expect(rule(input)).toBeUndefined();
});
