import { expect, test } from "vitest";
import { namedByGitConfig, readGitSettings } from "./git-settings.ts";

test.each([
  ["[core] hooksPath = h\n", "h"],
  ["[core]\n\thooksPath = tools/hooks\n", "tools/hooks"],
  ['[core]\n\tHooksPath="a b"\n', "a b"],
  ['[a "]x"] [core]hooksPath=h\n', "h"],
  ["[core]\n\thooksPath = h ; why\n", "h"],
  ["[core]\n\thooksPath = h# why\n", "h"],
  ['[core]\n\thooksPath = "h#1" # why\r\n', "h#1"],
  ['[core]\n\thooksPath = a"b c"\\"d\n', 'ab c"d'],
  ["[core]\n\thooksPath = a\\\nb\n", "ab"],
])("readGitSettings() reads %j as git does", (text, value) => {
  expect(readGitSettings(text).at(-1)).toEqual({ section: "core", key: "hookspath", value });
});

const said = (text: string) => namedByGitConfig(text).map(({ kind, said }) => `${kind} ${said}`);

test("namedByGitConfig() tells what is included, under whatever condition", () => {
  const text = '[include] path = ../a ; x\n[core]\n\tpath = no\n[includeIf "onbranch:b]"]\n\tPath = "b c"\n';
  expect(said(text)).toEqual(["include ../a", "include b c"]);
});

test("namedByGitConfig() tells the files that git runs or chooses programs by, and no others", () => {
  const text = `[core]
	hooksPath = tools
	worktree = ../../sub
	fsmonitor = ./watch -x
	attributesFile = attrs
	excludesFile = ./ignored
[init] templateDir = tpl
[filter "f"]
	clean = python3 tools/clean.py %f
	smudge = git-lfs smudge -- %f
	required = true
[diff "d.e"] textconv = "sh -c './show'"
[difftool "t"] cmd = bin/t \\"$LOCAL\\"
[alias]
	a = !./run.sh && npm test
	b = checkout a/b
[remote "r"] url = ../other
[user] signingKey = ./key
`;
  expect(said(text)).toEqual([
    "tree tools",
    "worktree ../../sub",
    "file ./watch",
    "file attrs",
    "tree tpl",
    "file tools/clean.py",
    "file ./show",
    "file bin/t",
    "file ./run.sh",
  ]);
});
