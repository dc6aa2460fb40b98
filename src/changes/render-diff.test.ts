import fc from "fast-check";
import { expect, test } from "vitest";
import { type MemoryTree, memoryFiles } from "../../test/helpers/memory-files.ts";
import type { JudgedChange } from "../model/index.ts";
import { type DescribedChange, describeChanges } from "./describe-changes.ts";
import { patchOf } from "./patch.ts";
import { pipelinedAll } from "./pipelined.ts";
import { readChanges } from "./read-changes.ts";
import { jsonChange, jsonDiff, shownPatch, statLine } from "./render-diff.ts";
import { isSummedUp, summarise, summaryLine } from "./summarise.ts";

async function described(layer: MemoryTree, folder: MemoryTree = {}): Promise<readonly DescribedChange[]> {
  const roots = { server: memoryFiles(layer, folder), layer: 0, folder: 1 };
  const found = await readChanges({ ...roots, baseTimeNs: 100n, known: new Map() });
  const changes = found.map((change): JudgedChange => ({ ...change, class: "plain" }));
  const all: DescribedChange[] = [];
  for await (const each of describeChanges({ ...roots, changes })) all.push(each);
  return all;
}

const patch = async (layer: MemoryTree, folder: MemoryTree = {}) =>
  (await described(layer, folder)).map(patchOf).join("");

test("patchOf() writes what git writes for a changed, an added and a removed file", async () => {
  const folder = { "a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "gone.sh": { content: "x", mode: 0o755 } };
  const layer = {
    "a.txt": "1\n2\n3\n4\n5\n6\n7\n8\nnine",
    "gone.sh": { whiteout: true },
    "new file": "",
  };
  expect(await patch(layer, folder)).toBe(
    [
      "diff --git a/a.txt b/a.txt",
      "--- a/a.txt",
      "+++ b/a.txt",
      "@@ -6,4 +6,4 @@",
      " 6",
      " 7",
      " 8",
      "-9",
      "+nine",
      "\\ No newline at end of file",
      "diff --git a/gone.sh b/gone.sh",
      "deleted file mode 100755",
      "--- a/gone.sh",
      "+++ /dev/null",
      "@@ -1 +0,0 @@",
      "-x",
      "\\ No newline at end of file",
      'diff --git "a/new file" "b/new file"',
      "new file mode 100644",
      "index 0000000..e69de29",
      "",
    ].join("\n"),
  );
});

test("patchOf() says in remarks what a patch cannot: modes, owners, folders, pictures, pipes", async () => {
  const png = (width: number) =>
    Buffer.from(
      `\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0${String.fromCharCode(width)}\0\0\0\x10\x08\x06\0\0\0`,
      "latin1",
    );
  const folder = {
    secret: { content: "x", mode: 0o600 },
    owned: "x",
    "p.png": { content: png(8) },
    tagged: "x",
  };
  const layer = {
    secret: { content: "x", mode: 0o640 },
    owned: { content: "x", uid: 7 },
    "p.png": { content: png(16) },
    tagged: { content: "x", xattrs: { "user.a": "b" } },
    empty: { type: "directory" },
    pipe: { type: "fifo" },
  } as const;
  expect(await patch(layer, folder)).toBe(
    [
      "# empty: folder added",
      "# owned: owner 1000:1000 -> 7:1000",
      "# p.png: changed, PNG image, 8×16 -> 16×16, 29 bytes -> 29 bytes",
      "# pipe: fifo added",
      "# secret: mode 0600 -> 0640",
      "# tagged: extended attributes changed",
      "",
    ]
      .join("\n")
      .replaceAll("×", "\xc3\x97"),
  );
});

test("describeChanges() tells a file over the limit by its beginning, and text of very many lines", async () => {
  const layer = { bytes: "\0".repeat(100), text: "x".repeat(100), lines: "\n".repeat(200_001) };
  const roots = { server: memoryFiles(layer, {}), layer: 0, folder: 1 };
  const found = await readChanges({ ...roots, baseTimeNs: 100n, known: new Map() });
  const changes = found.map((change): JudgedChange => ({ ...change, class: "plain" }));
  const told = async (more: { readonly textLimitBytes?: number; readonly withBinaries?: boolean }) => {
    const all: DescribedChange[] = [];
    for await (const each of describeChanges({ ...roots, changes, ...more })) all.push(each);
    return all;
  };
  const all = await told({ textLimitBytes: 10 });
  expect(all.map(patchOf)).toEqual([
    "# bytes: added, binary, 100 bytes\n",
    "# lines: added, text, too large to show, 200.0 kB\n",
    "# text: added, text, too large to show, 100 bytes\n",
  ]);
  expect(all.map(jsonChange).map(({ binary, tooLarge }) => [binary, tooLarge])).toEqual([
    [true, undefined],
    [undefined, true],
    [undefined, true],
  ]);
  const [, lines] = await told({});
  expect(lines?.files.map(({ body }) => body.kind)).toEqual(["large"]);
  // A patch for programs has it all the same.
  const [, carried] = await told({ withBinaries: true });
  expect(carried && patchOf(carried)).toContain("GIT binary patch\nliteral 200001\n");
});

test("describeChanges() reads of a tree that goes as much as may be held, and counts the rest", async () => {
  const folder = { "d/a": "1\n", "d/b": "2\n", "d/c": "3\n", "e/a": "x".repeat(100) };
  const roots = {
    server: memoryFiles({ d: { whiteout: true }, e: { whiteout: true } }, folder),
    layer: 0,
    folder: 1,
  };
  const found = await readChanges({ ...roots, baseTimeNs: 100n, known: new Map() });
  const changes = found.map((change): JudgedChange => ({ ...change, class: "plain" }));
  const all: DescribedChange[] = [];
  for await (const each of describeChanges({ ...roots, changes, treeLimitBytes: 4 })) all.push(each);
  expect(all.map(({ files, rest }) => [files.length, rest])).toEqual([
    [2, { files: 1, bytes: 2 }],
    [1, undefined],
  ]);
  const [tree] = all;
  if (tree === undefined) throw new Error("a tree went");
  expect(patchOf(tree).split("\n")[0]).toBe(
    "# d: folder removed, with all that is in it; 1 more file, 2 bytes, not shown",
  );
  expect(statLine(tree, { width: 80, colour: false })).toBe(" d | folder removed, 3 files");
  expect(jsonChange(tree)).toMatchObject({ removedLines: 2, notRead: { files: 1, bytes: 2 } });
});

test("shownPatch() colours by what a line is, not by how it looks", async () => {
  const text = await patch({ a: "-- x\n++ y\n" }, { a: "-- x\n" });
  expect(shownPatch(text, { colour: true }).split("\n")).toEqual([
    "\x1b[1mdiff --git a/a b/a\x1b[0m",
    "\x1b[1m--- a/a\x1b[0m",
    "\x1b[1m+++ b/a\x1b[0m",
    "\x1b[36m@@ -1 +1,2 @@\x1b[0m",
    " -- x",
    "\x1b[32m+++ y\x1b[0m",
    "",
  ]);
});

test("shownPatch() lets nothing of a file or a name steer the terminal", async () => {
  const evil = "\x1b]52;c;x\x07 \u202e\x9b2J\r\0tab\there\n";
  const name = Buffer.from("a\x1b[2J\u202e").toString("latin1");
  const shown = shownPatch(await patch({ [name]: evil.replace("\0", "") }), { colour: false });
  expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  expect(shown).toContain("tab\there");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const bytes = Buffer.from(text).toString("latin1");
      expect(shownPatch(bytes, { colour: false })).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
    }),
  );
});

test("statLine() scales the bar to the width and names what is not plain", async () => {
  const [one, two] = await described({ a: "1\n".repeat(60), b: { content: "x", mode: 0o755 } }, { b: "x" });
  const options = { width: 60, colour: false };
  expect(one && statLine(one, options)).toBe(` a | 60 ${"+".repeat(20)}`);
  const refused = two && { ...two, change: { ...two.change, class: "refused" as const, conflict: "x" } };
  expect(refused && statLine(refused, options)).toBe(" b | mode 0644 -> 0755 (refused, conflict)");
});

test("jsonDiff() gives each path in bytes too where it is no text", async () => {
  const all = await described({ "\xff": "x\ny\n", ok: { target: "\xfe" } });
  const summary = summarise(all.map(({ change }) => change));
  const json = jsonDiff({ session: "s", folder: "/f", summary }, all);
  expect(json.schema).toBe("workcell.diff/1");
  expect(json.changes).toEqual([
    {
      path: "ok",
      kind: "added",
      class: "plain",
      after: { type: "symlink", mode: "0644", uid: 1000, gid: 1000, size: 0, target: "\\xfe" },
      addedLines: 1,
      removedLines: 0,
    },
    {
      path: "\\xff",
      pathBytes: "/w==",
      kind: "added",
      class: "plain",
      after: { type: "file", mode: "0644", uid: 1000, gid: 1000, size: 4 },
      addedLines: 2,
      removedLines: 0,
    },
  ]);
  expect(all.map(jsonChange)).toEqual(json.changes);
});

test("summarise() counts each path by its kind and by what is said of it", () => {
  const at = (path: string, more: Partial<JudgedChange>): JudgedChange => ({
    path,
    kind: "added",
    class: "plain",
    ...more,
  });
  const changes = [
    at("a", { class: "refused", ignored: true }),
    at("b", { kind: "changed", conflict: "x" }),
    at("c", { kind: "removed", class: "waiting" }),
    at("d", { kind: "attributes", class: "marked" }),
    at("e", { ignored: true }),
    at("f", { ignored: true, class: "marked" }),
  ];
  expect(summaryLine(summarise(changes, new Set(["b"])))).toBe(
    "3 added, 1 changed, 1 removed, 1 mode, 1 binary, 2 marked, 1 waiting, 1 refused, 1 in conflict, 2 ignored",
  );
  expect(changes.filter(isSummedUp).map(({ path }) => path)).toEqual(["e", "f"]);
  expect(summaryLine(summarise([]))).toBe("no changes");
});

test("a binary file that comes or goes is told with the one size that it has; in a folder that went, by its path", async () => {
  const bytes = "\0".repeat(100);
  const options = { width: 80, colour: false };
  const gone = { whiteout: true } as const;
  const all = await described(
    { "b.bin": `22${bytes}`, "c.bin": gone, d: gone },
    { "c.bin": `1${bytes}`, "d/e.bin": bytes },
  );
  expect(all.map((one) => [patchOf(one), statLine(one, options)])).toEqual([
    ["# b.bin: added, binary, 102 bytes\n", " b.bin | binary, added, 102 bytes"],
    ["# c.bin: removed, binary, 101 bytes\n", " c.bin | binary, removed, 101 bytes"],
    [
      "# d: folder removed, with all that is in it; d/e.bin removed, binary, 100 bytes\n",
      " d | folder removed",
    ],
  ]);
});

test("pipelinedAll() keeps the order and the window, and leaves nothing behind when one fails", async () => {
  let [now, most] = [0, 0];
  const work = async (item: number) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, (7 * item) % 5));
    now--;
    if (item === 13) throw new Error("thirteen");
    return item;
  };
  expect(await pipelinedAll([5, 3, 1, 4, 2], 2, work)).toEqual([5, 3, 1, 4, 2]);
  expect(most).toBe(2);
  await expect(pipelinedAll([1, 13, 2, 3], 3, work)).rejects.toThrow("thirteen");
  expect(now).toBe(0);
});
