import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { PathRule } from "../model/index.ts";
import { findRuledPaths } from "./ruled-paths.ts";

/** A folder with these files; a name that ends in / is a folder. */
function tree(...names: readonly string[]): string {
  const root = tempFolder();
  for (const name of names) {
    const place = path.join(root, name);
    mkdirSync(name.endsWith("/") ? place : path.dirname(place), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(place, "");
  }
  return root;
}

function find(root: string, ...rules: readonly PathRule[]) {
  const { ruledPaths, absentPaths } = findRuledPaths(
    rules.map((value) => ({ value, origin: "a rule" })),
    [root],
  );
  const below = (place: string) => path.relative(root, place);
  return {
    found: ruledPaths.map((one) => `${one.effect} ${below(one.path)}`).sort(),
    absent: absentPaths.map((one) => below(one.path)),
  };
}

test("findRuledPaths() finds a path as it is, with the folders that it lies in", () => {
  const root = tree("a/b/file");
  const rules = [{ value: { effect: "hide", path: path.join(root, "a/b/file") }, origin: "a rule" }] as const;
  const [found] = findRuledPaths(rules, [root]).ruledPaths;
  expect(found).toMatchObject({ effect: "hide", path: path.join(root, "a/b/file"), isFolder: false });
  expect(found?.above.map((folder) => path.relative(root, folder.path))).toEqual(["a", "a/b"]);
});

test("findRuledPaths() finds by pattern only what a cell sees, and follows no link", () => {
  const root = tree(".env", "a/.env", "a/x", "out/");
  symlinkSync("a", path.join(root, "link"));
  const pattern = { effect: "hide", path: path.join(root, "**/.env"), pattern: true } as const;
  expect(find(root, pattern)).toEqual({ found: ["hide .env", "hide a/.env"], absent: [] });
  expect(findRuledPaths([{ value: pattern, origin: "" }], [path.join(root, "out")]).ruledPaths).toEqual([]);
});

const names = [".bashrc", ".git", ".git/hooks", ".git/config", ".claude/agents"];

test("findRuledPaths() finds names down to a depth, and guards those that are not there", () => {
  const root = tree(".git/hooks/x", "sub/.bashrc", "a/b/.claude/agents/x", "a/b/c/.bashrc");
  expect(find(root, { effect: "freeze", path: root, names, depth: 3 })).toEqual({
    found: ["freeze .git/hooks", "freeze a/b/.claude/agents", "freeze sub/.bashrc"],
    absent: [".bashrc", ".git/config", ".claude/agents"],
  });
});

test("findRuledPaths() takes .git for a name only where it is a file, and lets a repository be made", () => {
  const rule = (root: string) => ({ effect: "freeze", path: root, names, depth: 3 }) as const;
  const worktree = tree(".git");
  expect(find(worktree, rule(worktree)).found).toEqual(["freeze .git"]);
  const plain = tree("a");
  expect(find(plain, rule(plain)).absent).toEqual([".bashrc", ".claude/agents"]);
});

test("findRuledPaths() guards a path that may not be written, not one that may not be read", () => {
  const root = tree("a/");
  const at = (effect: "freeze" | "hide", name: string) => ({ effect, path: path.join(root, name) });
  expect(find(root, at("freeze", "a/new"), at("hide", "a/other"))).toEqual({ found: [], absent: ["a/new"] });
});
