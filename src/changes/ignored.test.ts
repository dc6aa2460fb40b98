import { expect, test } from "vitest";
import { type MemoryTree, memoryFiles } from "../../test/helpers/memory-files.ts";
import { markIgnored } from "./ignored.ts";
import { readChanges } from "./read-changes.ts";

async function ignoredPaths(
  layer: MemoryTree,
  folder: MemoryTree = {},
  work?: { left: number },
): Promise<readonly string[]> {
  const input = { server: memoryFiles(layer, folder), layer: 0, folder: 1 };
  const changes = await readChanges({ ...input, baseTimeNs: 100n, known: new Map() });
  const marked = await markIgnored(input, changes, work);
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

test("markIgnored() lets the session's own .gitignore hide neither itself nor what is marked", async () => {
  const layer = {
    "src/.gitignore": "*\n",
    "src/x": "1",
    "src/Makefile": "1",
    "src/node_modules/a/Makefile": "1",
  };
  const input = { server: memoryFiles(layer, {}), layer: 0, folder: 1 };
  const changes = await readChanges({ ...input, baseTimeNs: 100n, known: new Map() });
  const judged = changes.map((change) => ({
    ...change,
    class: change.path.endsWith("Makefile") ? ("marked" as const) : ("plain" as const),
  }));
  const marked = await markIgnored(input, judged);
  const by = (path: string) => marked.find((change) => change.path === path);
  expect(["src/.gitignore", "src/Makefile"].map((path) => by(path)?.ignored)).toEqual([undefined, undefined]);
  for (const path of ["src/x", "src/node_modules/a/Makefile"])
    expect(by(path)).toMatchObject({ ignored: true, ignoredBySession: true });
  // The person's own rules hide what is marked, too.
  const own = await markIgnored(
    { ...input, server: memoryFiles(layer, { "src/.gitignore": "*\n" }) },
    judged,
  );
  expect(own.find(({ path }) => path === "src/Makefile")).toMatchObject({ ignored: true });
});

test("markIgnored() keeps to the host's .gitignore where the session changed it", async () => {
  expect(await ignoredPaths({ ".gitignore": "*", a: "1" }, { ".gitignore": "b" })).toEqual([]);
});

test("markIgnored() finds no rules behind a link of the host's where the session has a folder", async () => {
  const layer = { lib: { type: "directory", opaque: true }, "lib/a.log": "1", "lib/b": "1" } as const;
  const folder = { lib: { target: "src" }, "src/.gitignore": "b\n", ".gitignore": "*.log\n" };
  expect(await ignoredPaths(layer, folder)).toEqual(["lib/a.log"]);
});

test("markIgnored() passes over rules of the session's that would take long to match", async () => {
  const layer = { ".gitignore": "*a*a*a*a*a*a*a*a*b\n", ["a".repeat(200)]: "1", aaaaaaaab: "1" };
  expect(await ignoredPaths(layer)).toEqual([]);
});

const names = (count: number, name: (n: number) => string): MemoryTree =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [name(n), "1"]));

test("markIgnored() spends little on what folders ordinarily have", async () => {
  const rules = [...Array(40).keys()].map((n) => (n % 4 === 0 ? `**/kind${n}/*.log` : `kind${n}`)).join("\n");
  const work = { left: 4e9 };
  const layer = names(2000, (n) => `src/part${n % 50}/file${n}.ts`);
  expect(await ignoredPaths({ ...layer, kind1: "1" }, { ".gitignore": rules }, work)).toEqual(["kind1"]);
  expect(4e9 - work.left).toBeLessThan(1e8);
});

test.each([
  ["20,000 lines", Array(20_000).fill("*.x").join("\n")],
  ["three stars in each of 2,000", Array(2000).fill("*a*a*b").join("\n")],
])("markIgnored() stops matching %s against many names, and shows the rest", async (_, rules) => {
  const matched = { count: 0 };
  const work = {
    get left() {
      return 4e9 - this.spent;
    },
    set left(value: number) {
      if (value >= 0) matched.count += 1;
      this.spent = 4e9 - value;
    },
    spent: 0,
  };
  const long = (n: number) => `${"a".repeat(200)}${n}`;
  const layer = { ...names(1500, long), "z.x": "1", ".gitignore": `${rules}\nz.x` };
  expect(await ignoredPaths(layer, {}, work)).toEqual([]);
  // By far not each of them was matched against all rules.
  expect(matched.count).toBeLessThan(300);
});
