import { expect, test } from "vitest";
import { isHarmlessGitConfig } from "./git-config.ts";

const core = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";

test.each([
  "",
  core,
  `# a comment\n; another\n${core}`,
  `${core}[extensions]\n\tobjectformat = sha256\n`,
  `${core}[remote "origin"]\n\turl = git@example.org:a/b.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`,
  `${core}[remote "up"]\n\turl = ../other\n[branch "a/b"]\n\tremote = up\n\tmerge = refs/heads/a/b\n`,
  `${core}[user]\n\tname = Ada King\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[pull]\n\tff = only\n[push]\n\tdefault = simple\n`,
])("isHarmlessGitConfig() accepts what a new repository starts with", (text) => {
  expect(isHarmlessGitConfig(text)).toBe(true);
});

test.each([
  "[core]\n\tfsmonitor = ./x\n",
  "[core]\n\tsshCommand = x\n",
  "[core]\n\thooksPath = x\n",
  "[core]\n\tbare = false\\\n",
  '[core]\n\tbare = "false"\n',
  "[core] fsmonitor = x\n",
  "[core]bare = true\n",
  "[CORE]\n\tFSMonitor = x\n",
  "bare = true\n",
  "[include]\n\tpath = x\n",
  '[includeIf "gitdir:x"]\n\tpath = x\n',
  '[filter "lfs"]\n\tclean = x\n',
  "[alias]\n\tx = !y\n",
  "[core.remote]\n\turl = x\n",
  "[core]\n\tbare\n",
  "[core]\n\tbare = true ; x\n",
  '[remote "x"]\n\turl = ext::sh -c evil\n',
  '[remote "x"]\n\turl = ext::evil\n',
  '[remote "x"]\n\turl = ssh://-oProxyCommand=evil/x\n',
  '[remote "x"]\n\turl = --upload-pack=evil\n',
  '[remote "x"]\n\tuploadpack = evil\n',
  '[remote "x\\"]\n\turl = y\n',
  '[branch "x"]\n\tremote = ext::evil\n',
  '[branch "x"]\n\tdescription = y\n',
  "[user]\n\tsigningKey = x\n",
  "[push]\n\tdefault = evil\n",
  '[url "x"]\n\tinsteadOf = y\n',
  "\ufeff[core]\n",
  "[core]\r\n\tbare = true\r\n",
  "[core]\n\tbare = true\0\n",
  `${"#".repeat(70_000)}\n`,
])("isHarmlessGitConfig() refuses %j", (text) => {
  expect(isHarmlessGitConfig(text)).toBe(false);
});
