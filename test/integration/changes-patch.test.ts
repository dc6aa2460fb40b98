import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeChanges } from "../../src/changes/describe-changes.ts";
import { judgeChanges } from "../../src/changes/judge-changes.ts";
import { patchOf } from "../../src/changes/patch.ts";
import { readChanges } from "../../src/changes/read-changes.ts";
import { missing } from "../helpers/filtered-bwrap.ts";
import { type MemoryEntry, type MemoryTree, memoryFiles } from "../helpers/memory-files.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

/** A file or a symlink, by its path: one character a byte. */
type Tree = Readonly<
  Record<string, { readonly content: string; readonly mode: 0o644 | 0o755 } | { readonly target: string }>
>;

const bytes = (text: string) => Buffer.from(text, "latin1");

function writeTree(folder: string, tree: Tree): void {
  for (const [path, entry] of Object.entries(tree)) {
    const at = (each: string) => bytes(`${folder}/${each}`);
    const slash = path.lastIndexOf("/");
    if (slash > 0) mkdirSync(at(path.slice(0, slash)), { recursive: true });
    if ("target" in entry) symlinkSync(bytes(entry.target), at(path));
    else {
      writeFileSync(at(path), bytes(entry.content));
      chmodSync(at(path), entry.mode);
    }
  }
}

function readTree(folder: string): Tree {
  const tree: Record<string, Tree[string]> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(bytes(`${folder}/${path}`), { encoding: "buffer" })) {
      const below = path === "" ? name.toString("latin1") : `${path}/${name.toString("latin1")}`;
      const at = bytes(`${folder}/${below}`);
      const stat = lstatSync(at);
      if (stat.isDirectory()) walk(below);
      else if (stat.isSymbolicLink()) tree[below] = { target: readlinkSync(at, "buffer").toString("latin1") };
      else
        tree[below] = {
          content: readFileSync(at, "latin1"),
          mode: (stat.mode & 0o100) === 0 ? 0o644 : 0o755,
        };
    }
  };
  walk("");
  return tree;
}

function asMemory(tree: Tree): MemoryTree {
  return Object.fromEntries(
    Object.entries(tree).map(([path, entry]): [string, MemoryEntry] => [
      path,
      "target" in entry ? entry : { ...entry, content: bytes(entry.content) },
    ]),
  );
}

/** Whether a file of one tree stands where the other has a folder. */
function nests(one: Tree, other: Tree): boolean {
  return Object.keys(one).some((path) => Object.keys(other).some((below) => below.startsWith(`${path}/`)));
}

/** The layer that a cell would have left behind that made `after` of `before`. */
function layerOf(before: Tree, after: Tree): MemoryTree {
  const above = (path: string) =>
    path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const stands = new Set(Object.keys(after).flatMap(above));
  const gone = Object.keys(before).flatMap((path) => {
    const first = above(path).find((each) => !stands.has(each));
    const covered = above(path).some((each) => after[each] !== undefined);
    return first === undefined || covered ? [] : [[first, { whiteout: true }] as const];
  });
  return { ...Object.fromEntries(gone), ...asMemory(after) };
}

async function patchFor(before: Tree, after: Tree, withBinaries: boolean): Promise<Buffer> {
  const server = memoryFiles(layerOf(before, after), asMemory(before));
  const roots = { server, layer: 0, folder: 1 };
  const found = await readChanges({ ...roots, baseTimeNs: 1n, known: new Map() });
  const facts = { inert: new Set<string>(), refused: new Map<string, string>(), binary: new Set<string>() };
  const changes = judgeChanges(found, { mode: "review", namedByPerson: [], facts });
  let patch = "";
  for await (const described of describeChanges({ ...roots, changes, withBinaries }))
    patch += patchOf(described);
  return bytes(patch);
}

function applied(before: Tree, patch: Buffer, command: readonly string[]) {
  const folder = tempFolder();
  writeTree(folder, before);
  const [program = "", ...args] = command;
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CEILING_DIRECTORIES: "/",
    GIT_DIR: "/nonexistent",
  };
  const ran = spawnSync(program, args, { cwd: folder, input: patch, env });
  return { tree: readTree(folder), said: `${ran.stdout}${ran.stderr}`, status: ran.status };
}

const gitApply = ["git", "-c", "core.fileMode=true", "apply", "--whitespace=nowarn", "-"];
const patchCommand = ["patch", "-p1", "--batch", "--no-backup-if-mismatch", "--silent"];

const oddName = fc.constantFrom(
  "a",
  "b",
  "c d",
  "\xff\xfe",
  "\xc3\xa9",
  'q"uote',
  "back\\slash",
  "tab\there",
  "new\nline",
  "-dash",
  "#x",
);
const path = fc.array(oddName, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const line = fc.constantFrom(
  "one",
  "two",
  "",
  "--- a/x",
  "+++ b/x",
  "@@ -1 +1 @@",
  "diff --git a/x b/x",
  "cr\r",
  "\xfe\xff",
  "\\ No",
);
const text = fc
  .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
  .map(([lines, end]) => lines.join("\n") + (end && lines.length > 0 ? "\n" : ""));
const mode = fc.constantFrom(0o644 as const, 0o755 as const);

function trees(content: fc.Arbitrary<string>, withLinks: boolean): fc.Arbitrary<Tree> {
  const file = fc.record({ content, mode });
  const entry = withLinks
    ? fc.oneof({ weight: 4, arbitrary: file }, fc.record({ target: path.map((each) => `../none/${each}`) }))
    : file;
  return fc
    .array(fc.tuple(path, entry), { maxLength: 8 })
    .map((pairs) =>
      Object.fromEntries(pairs.filter(([each]) => pairs.every(([other]) => !each.startsWith(`${other}/`)))),
    );
}

test.skipIf(missing(["git"]).length > 0)(
  "patchOf() makes patches by which git apply makes the same tree, binary files included",
  async () => {
    const tree = trees(fc.oneof(text, fc.constantFrom("\0", "\0\x01\xffbinary\n\0".repeat(40))), true);
    await fc.assert(
      fc.asyncProperty(tree, tree, async (before, after) => {
        const patch = await patchFor(before, after, true);
        const { tree: made, said } = applied(before, patch, gitApply);
        expect({ tree: made, said: patch.length === 0 ? "" : said }).toEqual({ tree: after, said: "" });
      }),
      { numRuns: 60 },
    );
  },
);

test.skipIf(missing(["patch"]).length > 0)(
  "patchOf() makes patches by which patch -p1 makes the same tree",
  async () => {
    const tree = trees(text, true);
    await fc.assert(
      fc.asyncProperty(tree, tree, async (before, after) => {
        // patch(1) delays removals, so a file cannot become a folder with it, nor the other way round.
        fc.pre(!nests(before, after) && !nests(after, before));
        const patch = await patchFor(before, after, true);
        const { tree: made, said } = applied(before, patch, patchCommand);
        expect({ tree: made, said }).toEqual({ tree: after, said: "" });
      }),
      { numRuns: 60 },
    );
  },
);

/** The tree with some of its files under another name, and other bits. */
const renamed = fc
  .tuple(trees(text, false), fc.array(fc.tuple(fc.boolean(), oddName, mode)))
  .map(([tree, ways]) => {
    const after = Object.entries(tree).map(([at, entry], index) => {
      const [isMoved, name, bits] = ways[index] ?? [true, "a", 0o644 as const];
      return [isMoved ? `moved to/${name}/${at}` : at, isMoved ? { ...entry, mode: bits } : entry] as const;
    });
    return { before: tree, after: Object.fromEntries(after) as Tree };
  });

test.skipIf(missing(["git", "patch"]).length > 0)(
  "patchOf() tells a file that was moved as a rename, by which git apply and patch -p1 make the same tree",
  async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(renamed, async ({ before, after }) => {
        const patch = await patchFor(before, after, true);
        fc.pre(patch.length > 0);
        told += patch.toString("latin1").split("\nsimilarity index 100%\nrename from ").length - 1;
        for (const command of [gitApply, patchCommand])
          expect(applied(before, patch, command)).toMatchObject({ tree: after, said: "" });
      }),
      { numRuns: 60 },
    );
    expect(told).toBeGreaterThan(20);
  },
);

test.skipIf(missing(["git", "patch"]).length > 0)(
  "patchOf() tells binary files and empty folders in lines that git apply and patch pass over",
  async () => {
    const before: Tree = { text: { content: "1\n", mode: 0o644 }, "x.bin": { content: "\0", mode: 0o644 } };
    const after: Tree = { text: { content: "2\n", mode: 0o755 }, "x.bin": { content: "\0\0", mode: 0o644 } };
    const patch = await patchFor(before, after, false);
    expect(patch.toString()).toContain("# x.bin: changed, binary, 1 bytes -> 2 bytes\n");
    for (const command of [gitApply, patchCommand]) {
      const { tree, status } = applied(before, patch, command);
      expect({ tree, status }).toEqual({ tree: { ...after, "x.bin": before["x.bin"] }, status: 0 });
    }
  },
);
