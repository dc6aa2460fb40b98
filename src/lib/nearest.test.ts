import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test.each([
  ["netwrok", "network"],
  ["Mounts", "mounts"],
  ["profil", "profile"],
  ["registry", undefined],
  ["", undefined],
  ["x".repeat(100_000), undefined],
])("nearest(%s) is the word that was probably meant", (word, meant) => {
  expect(nearest(word, ["network", "mounts", "profile", "tier"])).toBe(meant);
});

test("nearest() of no words is none", () => {
  expect(nearest("a", [])).toBe(undefined);
});
