import { expect, test } from "vitest";
import { sumSegments } from "./shared-segments.ts";

test("sumSegments() adds up what segments hold in memory and in swap, not what they were asked to be", () => {
  const table = [
    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap",
    "         0          0   600              33554432     3     3      0 20000 20000 20000 20000 1763911886 1763911886 1763911886              33554432                  4096",
    "         0          1   600              33554432     3     3      0 20000 20000 20000 20000 1763911886 1763911886 1763911886                     0                     0",
  ].join("\n");
  expect(sumSegments(table)).toBe(33554432 + 4096);
  expect(sumSegments("")).toBe(0);
});
