import { expect, test } from "vitest";
import { isInside } from "./is-inside.ts";

test.each([
  ["/a/b", "/a", true],
  ["/a", "/a", true],
  ["/a", "/", true],
  ["/", "/", true],
  ["/ab", "/a", false],
  ["/a", "/a/b", false],
])("isInside(%s, %s) is %s", (inner, outer, is) => {
  expect(isInside(inner, outer)).toBe(is);
});
