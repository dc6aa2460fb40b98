import { expect, test } from "vitest";
import { protectedPaths } from "../protected-paths.ts";
import { wantedNames } from "./wanted-names.ts";

test("every refused path is found by the last of its parts, which is plain or an ending", () => {
  const names = new Set(wantedNames());
  const lasts = protectedPaths
    .filter((rule) => rule.class === "refused")
    .map(({ pattern }) => pattern.replace(/\/$/, "").split("/").at(-1) ?? "");
  expect(lasts.filter((last) => !names.has(`e${last}`))).toEqual([]);
  expect([...names].filter((name) => name.slice(2).includes("*") || name !== name.toLowerCase())).toEqual([]);
});

test("links are looked for wherever one could stand for more of a protected path", () => {
  expect(wantedNames()).toEqual(
    expect.arrayContaining(["l.git", "lmodules", "tmodules", "tworktrees", "l.config"]),
  );
});
