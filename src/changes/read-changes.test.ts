import { expect, test } from "vitest";
import { type MemoryTree, memoryFiles } from "../../test/helpers/memory-files.ts";
import type { Change } from "../model/index.ts";
import type { Written } from "./conflicts.ts";
import { readChanges } from "./read-changes.ts";

interface Case {
  readonly layer: MemoryTree;
  readonly folder?: MemoryTree;
  readonly known?: readonly (readonly [string, Written])[];
}

const baseTimeNs = 100n;
/** A folder that hides what the host has; one where the host has nothing may be marked so or not. */
const made = { type: "directory", opaque: true } as const;

async function read({ layer, folder = {}, known = [] }: Case) {
  const server = memoryFiles(layer, folder);
  const changes = await readChanges({ server, layer: 0, folder: 1, baseTimeNs, known: new Map(known) });
  return { changes, calls: server.calls };
}

const brief = ({ path, kind, before, after, conflict, sameFileAs }: Change): string =>
  [
    kind,
    path,
    `${before?.type ?? "-"}>${after?.type ?? "-"}`,
    ...(sameFileAs === undefined ? [] : [`same as ${sameFileAs}`]),
    ...(conflict === undefined ? [] : [`conflict: ${conflict}`]),
  ].join(" ");

const briefs = async (input: Case) => (await read(input)).changes.map(brief);

test("readChanges() tells added, changed, attributes and removed apart, in the order of bytes", async () => {
  expect(
    await briefs({
      folder: {
        "same.txt": "same",
        "times.txt": { content: "t", mtimeNs: 1n },
        "text.txt": "old",
        "mode.sh": "run",
        "gone.txt": "x",
        link: { target: "a" },
        "kept/inside.txt": "1",
      },
      layer: {
        z: made,
        "same.txt": "same",
        "times.txt": { content: "t", mtimeNs: 5n, ctimeNs: 500n },
        "text.txt": "newer",
        "mode.sh": { content: "run", mode: 0o755 },
        "gone.txt": { whiteout: true },
        "never.txt": { whiteout: true },
        link: { target: "b" },
        "kept/inside.txt": "2",
        "a-b": "1",
        a: made,
        "a/b": "1",
      },
    }),
  ).toEqual([
    "added a ->directory",
    "added a-b ->file",
    "added a/b ->file",
    "removed gone.txt file>-",
    "changed kept/inside.txt file>file",
    "changed link symlink>symlink",
    "attributes mode.sh file>file",
    "changed text.txt file>file",
    "added z ->directory",
  ]);
});

test("readChanges() compares bytes only where sizes are the same and not nothing", async () => {
  const { calls } = await read({
    folder: { empty: "", long: "aaaa", equal: "bbb", other: "ccc" },
    layer: { empty: "", long: "a", equal: "bbb", other: "ddd", fresh: "x" },
  });
  expect(calls["isSame"]).toBe(2);
});

test("readChanges() asks the host nothing below a folder that it does not have", async () => {
  const { calls } = await read({
    layer: { new: made, "new/a": "1", "new/b/c": "2" },
  });
  expect(calls["stat"]).toBe(1);
});

test("readChanges() finds what an opaque folder hides, once for each tree that is gone", async () => {
  expect(
    await briefs({
      folder: { "d/a": "1", "d/b": "2", "d/sub/x": "3", "d/sub/y": "4", "d/old/deep/z": "5", "d/w": "6" },
      layer: {
        d: made,
        "d/a": "1",
        "d/sub": made,
        "d/sub/x": "3 changed",
        "d/w": { whiteout: true },
      },
    }),
  ).toEqual([
    "removed d/b file>-",
    "removed d/old directory>-",
    "changed d/sub/x file>file",
    "removed d/sub/y file>-",
    "removed d/w file>-",
  ]);
});

test("readChanges() calls a folder that became a file one change, and a file that became a folder one with its contents", async () => {
  expect(
    await briefs({
      folder: { "was/folder": "1", file: "2" },
      layer: { was: "now a file", file: made, "file/in": "3" },
    }),
  ).toEqual(["changed file file>directory", "added file/in ->file", "changed was directory>file"]);
});

test("readChanges() compares owner and extended attributes, but no mode of a symlink", async () => {
  expect(
    await briefs({
      folder: {
        owner: "a",
        marked: { content: "a", xattrs: { "user.x": "1" } },
        link: { target: "t", mode: 0o777 },
      },
      layer: {
        owner: { content: "a", gid: 7 },
        marked: { content: "a", xattrs: { "user.x": "2" } },
        link: { target: "t", mode: 0o644 },
      },
    }),
  ).toEqual(["attributes marked file>file", "attributes owner file>file"]);
});

test("readChanges() points the names of one file to the first of them that is in the list", async () => {
  const linked = { content: "x", inode: 9n, links: 3 };
  expect(
    await briefs({
      folder: { a: "x" },
      layer: { a: linked, b: linked, c: linked, d: { content: "x", inode: 9n } },
    }),
  ).toEqual(["added b ->file", "added c ->file same as b", "added d ->file"]);
});

test("readChanges() says what the host changed after the folder was connected", async () => {
  const newer = { ctimeNs: 100n };
  expect(
    await briefs({
      folder: {
        text: { content: "host's", ...newer },
        older: { content: "a", ctimeNs: 99n },
        gone: { content: "x", ...newer },
        "tree/in/new": { content: "x", ...newer },
        same: { content: "as ours", ...newer },
        worked: { type: "directory", mode: 0o700, ctimeNs: 200n, mtimeNs: 200n },
      },
      layer: {
        text: "ours",
        older: "b",
        gone: { whiteout: true },
        tree: { whiteout: true },
        same: "as ours",
        worked: { type: "directory" },
      },
    }),
  ).toEqual([
    "removed gone file>- conflict: changed on the host after the folder was connected",
    "changed older file>file",
    "changed text file>file conflict: changed on the host after the folder was connected",
    'removed tree directory>- conflict: "tree/in/new" in it was changed on the host after the folder was connected',
    "attributes worked directory>directory conflict: changed on the host after the folder was connected",
  ]);
});

test("readChanges() takes what stands as Workcell left it for unchanged, and nothing else", async () => {
  const folder = { "mine.txt": { content: "a", inode: 4n, ctimeNs: 300n } };
  const layer = { "mine.txt": "b" };
  const after = (written: Written) => read({ folder, layer, known: [["mine.txt", written]] });
  expect((await after({ inode: 4n, ctimeNs: 300n })).changes[0]?.conflict).toBeUndefined();
  expect((await after({ inode: 4n, ctimeNs: 299n })).changes[0]?.conflict).toBeDefined();
  expect((await after({ inode: 5n, ctimeNs: 300n })).changes[0]?.conflict).toBeDefined();
});

test("readChanges() sees a folder that the host put in another's place, whose files are as old as ever", async () => {
  const moved = { type: "directory", ctimeNs: 200n, mtimeNs: 1n } as const;
  const found = await briefs({
    folder: { d: moved, "d/a": "theirs", "d/hidden": "x", e: moved, "e/old": "1" },
    layer: { "d/a": "ours!", "d/new": "fine", e: { whiteout: true } },
  });
  expect(found).toEqual([
    'changed d/a file>file conflict: "d" was moved or changed on the host after the folder was connected',
    "added d/new ->file",
    'removed e directory>- conflict: "e" was moved or changed on the host after the folder was connected',
  ]);
});

test("readChanges() tells a folder that was worked in and then moved from one that was worked in alone", async () => {
  const worked = { type: "directory", ctimeNs: 200n, mtimeNs: 200n } as const;
  const moved = { type: "directory", ctimeNs: 201n, mtimeNs: 150n } as const;
  const found = await briefs({
    folder: { d: moved, "d/a": "theirs", e: worked, "e/a": "theirs" },
    layer: { "d/a": "ours!", "e/a": "ours!" },
  });
  expect(found).toEqual([
    'changed d/a file>file conflict: "d" was moved or changed on the host after the folder was connected',
    "changed e/a file>file",
  ]);
});

test("readChanges() sees an empty folder that the host made where the session has or leaves nothing", async () => {
  const made = { type: "directory", ctimeNs: 200n, mtimeNs: 200n } as const;
  const worked = { type: "directory", ctimeNs: 200n, mtimeNs: 200n } as const;
  const found = await briefs({
    folder: {
      d: made,
      e: worked,
      "e/deep/er": made,
      old: worked,
      "old/a": "x",
      empty: { type: "directory" },
    },
    layer: {
      ...{ d: { target: "x" }, e: { whiteout: true }, old: { whiteout: true }, empty: { whiteout: true } },
    },
  });
  expect(found).toEqual([
    "changed d directory>symlink conflict: changed on the host after the folder was connected",
    'removed e directory>- conflict: "e/deep/er" in it was changed on the host after the folder was connected',
    "removed empty directory>-",
    "removed old directory>-",
  ]);
});

test("readChanges() passes over what a layer damaged by hand has below something that is no folder", async () => {
  expect(await briefs({ layer: { a: "file", "a/b": "below it" } })).toEqual(["added a ->file"]);
});
