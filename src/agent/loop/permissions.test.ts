import { expect, test } from "vitest";
import { allTools } from "../tools/all-tools.ts";
import { judge, type PermissionMode } from "./permissions.ts";

function decide(
  name: string,
  input: object,
  rules: { allow?: string[]; deny?: string[]; mode?: PermissionMode },
) {
  const tool = allTools.find((each) => each.name === name);
  if (tool === undefined) throw new Error(name);
  const { allow = [], deny = [], mode = "default" } = rules;
  return judge({ mode, allow, deny }, { tool, input, cwd: "/work" }).decision;
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
