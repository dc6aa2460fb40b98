import { expect, test } from "vitest";
import type { PlannedMount, SessionCover } from "../model/index.ts";
import { planProtectedCovers } from "./protected-covers.ts";

const owner = { uid: 1000, gid: 1000 };
const folder: PlannedMount = { kind: "bind", target: "/in", source: "/work", owner, reason: "connected rw" };
const identity = { device: 1, inode: 2 };
const cover = (path: string): SessionCover => ({ source: "/work", path, identity });

test("planProtectedCovers() lays each read-only over itself, where the folder stands in the cell", () => {
  expect(planProtectedCovers([folder], [cover(".git/config")], [])).toEqual([
    {
      ...{
        kind: "ro-bind",
        target: "/in/.git/config",
        source: "/work/.git/config",
        owner,
        identity,
        cover: true,
      },
      reason: "protected: it acts on the host",
    },
  ]);
});

test("planProtectedCovers() covers nothing of a folder that is read-only or layered, nor what is hidden", () => {
  const others: PlannedMount[] = [
    { ...folder, kind: "ro-bind" },
    { ...folder, merged: "merged-1" },
    { ...folder, source: "/elsewhere" },
  ];
  expect(planProtectedCovers(others, [cover(".git/config")], [])).toEqual([]);
  const hidden = {
    effect: "hide",
    path: "/work/.git",
    isFolder: true,
    above: [],
    origin: "x",
    ...identity,
  } as const;
  expect(planProtectedCovers([folder], [cover(".git/config"), cover(".gitconfig")], [hidden])).toHaveLength(
    1,
  );
});
