import { expect, test } from "vitest";
import type { FoundPath, PlannedMount } from "../model/index.ts";
import { coverPaths } from "./covers.ts";

const owner = { uid: 1000, gid: 1000 };
const connected = (source: string, kind: "bind" | "ro-bind", target = source): PlannedMount => ({
  ...{ kind, target, source, owner, identity: { device: 1, inode: 1 } },
  reason: "connected",
});
const system = (source: string): PlannedMount => ({
  ...{ kind: "ro-bind", target: source, source },
  reason: "system",
});

const rule = (effect: FoundPath["effect"], path: string, more: Partial<FoundPath> = {}): FoundPath => ({
  ...{ effect, path, isFolder: true, device: 1, inode: 2, above: [], origin: "a rule" },
  ...more,
});

/** Kind, place, source: in the order in which they are mounted. */
function covered(
  folders: readonly PlannedMount[],
  rules: readonly FoundPath[],
  view: readonly PlannedMount[] = [],
) {
  const done = coverPaths({ system: view, folders }, { rules, cellFolder: "/cell" });
  const words = ({ kind, target, source }: PlannedMount) =>
    [kind, target, ...(source === undefined || source === target ? [] : [source])].join(" ");
  return [...done.system, ...done.folders].map(words);
}

const work = connected("/work", "bind");

test("coverPaths() without rules leaves all as it is", () => {
  expect(covered([work], [], [system("/usr")])).toEqual(["ro-bind /usr", "bind /work"]);
});

test("coverPaths() hides a folder by an empty one and a file by an empty one, after what they lie in", () => {
  const rules = [rule("hide", "/work/a/file", { isFolder: false }), rule("hide", "/work/b")];
  expect(covered([work], rules)).toEqual([
    "bind /work",
    "tmpfs /work/b",
    "ro-bind /work/a/file /cell/hidden",
    "remount-ro /work/b",
  ]);
});

test("coverPaths() shows again, read-only, what lies in what is hidden; a connected folder stays on top", () => {
  const rules = [rule("hide", "/work/b"), rule("show", "/work/b/open"), rule("show", "/work/plain")];
  expect(covered([work, connected("/work/b/own", "bind")], rules)).toEqual([
    "bind /work",
    "tmpfs /work/b",
    "bind /work/b/own",
    "ro-bind /work/b/open",
    "remount-ro /work/b",
  ]);
});

test("coverPaths() lets the nearer rule count, and of two for one place the one that shows", () => {
  const rules = [rule("hide", "/work/b"), rule("show", "/work/b"), rule("hide", "/work/b/in")];
  expect(covered([work], rules)).toEqual(["bind /work", "tmpfs /work/b/in", "remount-ro /work/b/in"]);
});

test("coverPaths() freezes what is there, and keeps what it lies in from being renamed", () => {
  const above = [{ path: "/work/.git", device: 1, inode: 3 }];
  expect(covered([work], [rule("freeze", "/work/.git/hooks", { above })])).toEqual([
    "bind /work",
    "bind /work/.git",
    "ro-bind /work/.git/hooks",
  ]);
});

test("coverPaths() checks the identity of whatever it binds again", () => {
  const { folders } = coverPaths(
    { system: [], folders: [work] },
    { rules: [rule("freeze", "/work/x")], cellFolder: "/cell" },
  );
  expect(folders.map(({ identity }) => identity)).toEqual([
    { device: 1, inode: 1 },
    { device: 1, inode: 2 },
  ]);
});

test("coverPaths() makes a folder read-only that lies in what is frozen, and covers none that is already", () => {
  expect(covered([work], [rule("freeze", "/")])).toEqual(["ro-bind /work"]);
  expect(covered([connected("/work", "ro-bind")], [rule("freeze", "/work/x")])).toEqual(["ro-bind /work"]);
});

test("coverPaths() follows a folder to its place in the cell", () => {
  const rules = [rule("hide", "/work/b")];
  expect(covered([connected("/work", "bind", "/home/mnt/work")], rules)).toEqual([
    "bind /home/mnt/work /work",
    "tmpfs /home/mnt/work/b",
    "remount-ro /home/mnt/work/b",
  ]);
});

test("coverPaths() takes system folders away that are hidden, but for what is shown, and covers their parts", () => {
  const view = [system("/usr"), system("/etc/ssl"), system("/etc/vim"), system("/proc/sys")];
  const rules = [
    rule("hide", "/etc"),
    rule("show", "/etc/ssl"),
    rule("hide", "/usr/share"),
    rule("hide", "/proc"),
  ];
  expect(covered([], rules, view)).toEqual([
    "ro-bind /usr",
    "ro-bind /etc/ssl",
    "ro-bind /proc/sys",
    "tmpfs /usr/share",
    "remount-ro /usr/share",
  ]);
});

test("coverPaths() touches nothing that the cell sees under another name, like its own home", () => {
  const home: PlannedMount = {
    kind: "bind",
    target: "/sessions/x",
    source: "/home/ann/state/x",
    reason: "home",
  };
  expect(covered([], [rule("hide", "/home/ann")], [home])).toEqual(["bind /sessions/x /home/ann/state/x"]);
});
