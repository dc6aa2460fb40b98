import fc from "fast-check";
import { expect, test } from "vitest";
import { makeSessionName, sessionNamePattern } from "./names.ts";

test("makeSessionName() takes two adjectives and a scientist by chance", () => {
  const numbers = [0, 0, 0];
  expect(makeSessionName(() => numbers.shift() ?? 0)).toBe("able-amber-ampere");
});

test("makeSessionName() is always such a name, and never says one adjective twice", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(chance, chance, chance, (one, two, three) => {
      const numbers = [one, two, three];
      const name = makeSessionName(() => numbers.shift() ?? 0);
      expect(name).toMatch(sessionNamePattern);
      const words = name.split("-");
      expect(new Set(words).size).toBe(3);
      expect(words).not.toContain("");
    }),
  );
});

test.each(["a", "brave-loving-maxwell", "job-7", "0"])("%j may be given as a name", (name) => {
  expect(name).toMatch(sessionNamePattern);
});

test.each(["", "-a", "a-", "a--b", "A", "a.b", "a/b", "..", "a b", "a\n", "é"])(
  "%j may not be given as a name",
  (name) => {
    expect(name).not.toMatch(sessionNamePattern);
  },
);
