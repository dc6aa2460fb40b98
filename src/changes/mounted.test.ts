import { expect, test } from "vitest";
import type { Change } from "../model/index.ts";
import { markMounted, mountsIn } from "./mounted.ts";

const line = (point: string) => `36 35 98:0 / ${point} rw,noatime shared:1 - ext4 /dev/root rw`;

test("mountsIn() finds what is mounted below a folder, whatever its name", () => {
  const mountinfo = [
    ...[
      line("/"),
      line("/home/me"),
      line("/home/me/work"),
      line("/home/me/work/a\\040b\\134"),
      line("/home/me/worker"),
    ],
    ...[line("/home/me/work/x"), line("/home/me/work/x"), ""],
  ].join("\n");
  expect(mountsIn(mountinfo, "/home/me/work")).toEqual(["a b\\", "x"]);
  expect(mountsIn(mountinfo, "/home/me/other")).toEqual([]);
});

test("markMounted() says a conflict at, below and, for what goes as a whole, above a mount", () => {
  const changes = (["attributes", "removed", "changed"] as const).flatMap((kind) =>
    ["a", "a/m", "a/m/x", "a/mm"].map((path): Change => ({ path, kind })),
  );
  const marked = markMounted(changes, ["a/m"]).filter(({ conflict }) => conflict !== undefined);
  expect(marked.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    ...["attributes a/m", "attributes a/m/x"],
    ...["removed a", "removed a/m", "removed a/m/x", "changed a", "changed a/m", "changed a/m/x"],
  ]);
  expect(markMounted(changes, [])).toBe(changes);
});
