import { expect, test } from "vitest";
import { type MemoryTree, memoryFiles } from "../../test/helpers/memory-files.ts";
import type { JudgedChange } from "../model/index.ts";
import { describeChanges } from "./describe-changes.ts";
import { judgeChanges } from "./judge-changes.ts";
import { patchOf } from "./patch.ts";
import { readChanges } from "./read-changes.ts";
import { findRenames } from "./renames.ts";
import { jsonChange, statLine } from "./render-diff.ts";

const facts = { inert: new Set<string>(), refused: new Map<string, string>(), binary: new Set<string>() };

async function inputOf(
  folder: MemoryTree,
  layer: MemoryTree,
  edit: (change: JudgedChange) => JudgedChange = (change) => change,
) {
  const roots = { server: memoryFiles(layer, folder), layer: 0, folder: 1 };
  const found = await readChanges({ ...roots, baseTimeNs: 1n, known: new Map() });
  const changes = judgeChanges(found, { mode: "review", namedByPerson: [], facts });
  return { ...roots, changes: changes.map(edit) };
}

const pairs = async (input: Awaited<ReturnType<typeof inputOf>>) =>
  [...(await findRenames(input)).to].map(([from, to]) => `${from} -> ${to}`);

const gone = { whiteout: true } as const;

test("findRenames() pairs what is gone with what came with the same content, the same name first", async () => {
  const folder = { "src/a": { content: "same\n" }, "src/b": { content: "same\n" }, c: { content: "else\n" } };
  const layer = {
    src: gone,
    "lib/b": { content: "same\n" },
    "lib/z": { content: "same\n" },
    "lib/c": { content: "new\n" },
  };
  expect(await pairs(await inputOf(folder, layer))).toEqual(["src/b -> lib/b", "src/a -> lib/z"]);
});

test("findRenames() leaves empty files, and what is refused, in conflict or ignored", async () => {
  const folder = { empty: { content: "" }, old: { content: "x\n" } };
  const layer = { empty: gone, none: { content: "" }, old: gone, new: { content: "x\n" } };
  expect(await pairs(await inputOf(folder, layer))).toEqual(["old -> new"]);
  for (const other of [{ class: "refused" }, { conflict: "it was changed" }, { ignored: true }] as const) {
    for (const path of ["old", "new"]) {
      const edit = (change: JudgedChange) => (change.path === path ? { ...change, ...other } : change);
      expect(await pairs(await inputOf(folder, layer, edit))).toEqual([]);
    }
  }
});

test("a rename is told once in the patch, and at both paths of --stat and --json", async () => {
  const folder = { "src/old name": { content: "x\n", mode: 0o644 } };
  const layer = { src: gone, new: { content: "x\n", mode: 0o755 } };
  const input = await inputOf(folder, layer);
  const described = [];
  for await (const one of describeChanges(input)) described.push(one);
  expect(described.map(patchOf)).toEqual([
    'diff --git "a/src/old name" b/new\nold mode 100644\nnew mode 100755\nsimilarity index 100%\nrename from src/old name\nrename to new\n',
    "# src: folder removed, with all that is in it\n",
  ]);
  const options = { width: 80, colour: false };
  expect(described.map((one) => statLine(one, options))).toEqual([
    " new | renamed from src/old name",
    " src | folder removed",
  ]);
  expect(described.map(jsonChange)[0]).toMatchObject({
    path: "new",
    kind: "added",
    renamedFrom: "src/old name",
  });
});
