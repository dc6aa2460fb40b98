import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { gitOutside } from "./git-outside.ts";

/** Files by their path below a fresh folder; resolves to that folder. */
function makeFiles(files: Readonly<Record<string, string>>): string {
  const top = tempFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(top, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(top, name), text);
  }
  return top;
}

const hooks = "[core]\n\thooksPath = part/hooks\n";
const named = [expect.objectContaining({ kind: "tree", said: "part/hooks" })];
const none = { GIT_CONFIG_GLOBAL: "/dev/null" };

test("gitOutside() reads the repository above a folder, and says where its top is from there", () => {
  const top = makeFiles({ ".git/config": hooks, "part/deep/file": "" });
  expect(gitOutside(path.join(top, "part/deep"), none).above).toEqual({ named, workFolder: "../.." });
});

test("gitOutside() follows a file .git to the configuration that its worktree shares", () => {
  const top = makeFiles({
    "tree/.git": "gitdir: ../store/worktrees/tree\n",
    "store/worktrees/tree/commondir": "../..\n",
    "store/config": hooks,
  });
  expect(gitOutside(path.join(top, "tree"), none).above).toEqual({ named, workFolder: "" });
});

test("gitOutside() leaves a repository that lies in the folder to who reads the folder", () => {
  const top = makeFiles({ ".git/config": hooks, "inner/.git/config": "" });
  expect(gitOutside(path.join(top, "inner"), none).above).toBeUndefined();
  const pointed = makeFiles({ ".git": "gitdir: store\n", "store/config": hooks });
  expect(gitOutside(pointed, none).above).toBeUndefined();
});

test("gitOutside() follows what the person's configuration includes, once, and says it by its whole path", () => {
  const top = makeFiles({
    global: "[include]\n\tpath = more/one\n",
    "more/one": `${hooks}[include]\n\tpath = ../global\n`,
  });
  const { own } = gitOutside("/", { GIT_CONFIG_GLOBAL: path.join(top, "global") });
  const its = own.filter(({ said }) => said === "part/hooks" || said.startsWith(top));
  expect(its.map(({ kind, said }) => [kind, said])).toEqual([
    ["include", path.join(top, "more/one")],
    ["tree", "part/hooks"],
    ["include", path.join(top, "global")],
  ]);
});
