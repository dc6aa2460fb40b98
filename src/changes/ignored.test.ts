import { expect, test } from "vitest";
import { type MemoryTree, memoryFiles } from "../../test/helpers/memory-files.ts";
import { markIgnored } from "./ignored.ts";
import { readChanges } from "./read-changes.ts";

async function ignoredPaths(layer: MemoryTree, folder: MemoryTree = {}): Promise<readonly string[]> {
  const input = { server: memoryFiles(layer, folder), layer: 0, folder: 1 };
  const changes = await readChanges({ ...input, baseTimeNs: 100n, known: new Map() });
  const marked = await markIgnored(input, changes);
  return marked.filter(({ ignored }) => ignored === true).map(({ path }) => path);
}

test("markIgnored() follows the host's .gitignore, nested ones and negations, and what lies in .git", async () => {
  const folder = { ".gitignore": "build/\n*.log\n!keep.log\n/top\n", "sub/.gitignore": "!*.log\nlocal\n" };
  const layer = {
    "build/a/b": "1",
    "x.log": "1",
    "keep.log": "1",
    top: "1",
    "sub/top": "1",
    "sub/y.log": "1",
    "sub/local": "1",
    build2: "1",
    ".git/index": "1",
  };
  expect(await ignoredPaths(layer, folder)).toEqual([
    ".git",
    ".git/index",
    "build",
    "build/a",
    "build/a/b",
    "sub/local",
    "top",
    "x.log",
  ]);
});

test("markIgnored() lets the session's own .gitignore hide only what the session added", async () => {
  const layer = { "new/.gitignore": "node_modules\nold\n", "new/node_modules/x": "1", "new/old": "changed" };
  expect(await ignoredPaths(layer, { "new/old": "1" })).toEqual(["new/node_modules", "new/node_modules/x"]);
});

test("markIgnored() keeps to the host's .gitignore where the session changed it", async () => {
  expect(await ignoredPaths({ ".gitignore": "*", a: "1" }, { ".gitignore": "b" })).toEqual([]);
});

test("markIgnored() passes over rules of the session's that would take long to match", async () => {
  const layer = { ".gitignore": "*a*a*a*a*a*a*a*a*b\n", ["a".repeat(200)]: "1", aaaaaaaab: "1" };
  expect(await ignoredPaths(layer)).toEqual([]);
});
