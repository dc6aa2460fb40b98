import fc from "fast-check";
import { expect, test } from "vitest";
import { partsOf } from "./byte-path.ts";
import { foldedName, foldedParts } from "./match-protected.ts";

test("foldedParts() reads a path as the folded names of its parts", () => {
  const letter = fc.constantFrom(...'aZ9._~-:\\[]{}()"$ \x7f\xe9\x01');
  const name = fc.oneof(
    fc.constantFrom(".git", "GIT~1", ".Git.", "a:b", "a\\b", ".GIT", "Config", "x.", "x ", "\x7f"),
    fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => letters.join("")),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 4 }), (names) => {
      const parts = partsOf(names.join("/")).flatMap((part) => part.split("\\"));
      expect(foldedParts(names.join("/"))).toEqual(parts.map(foldedName));
    }),
    { numRuns: 2000 },
  );
});
