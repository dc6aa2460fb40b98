import fc from "fast-check";
import { expect, test } from "vitest";
import { type Hunk, hunksOf, linesOf } from "./line-diff.ts";
import { quoteName } from "./quote-name.ts";

/** What a patch program does with hunks, each where it says. */
function applied(before: string, hunks: readonly Hunk[]): string {
  const lines = linesOf(before);
  const made: string[] = [];
  let at = 0;
  for (const { oldStart, oldLines, newStart, newLines, lines: inside } of hunks) {
    const start = oldLines === 0 ? oldStart : oldStart - 1;
    made.push(...lines.slice(at, start));
    expect(made.length).toBe(newLines === 0 ? newStart : newStart - 1);
    const side = (mark: string) => inside.filter((line) => line[0] !== mark).map((line) => line.slice(1));
    expect(side("+")).toEqual(lines.slice(start, start + oldLines));
    made.push(...side("-"));
    at = start + oldLines;
  }
  return [...made, ...lines.slice(at)].join("");
}

test("hunksOf() makes the new text of the old one, with the line numbers that it says", () => {
  const line = fc.constantFrom("a\n", "b\n", "c\n", "\n");
  const text = fc
    .tuple(fc.array(line, { maxLength: 60 }), fc.constantFrom("", "end"))
    .map(([lines, end]) => lines.join("") + end);
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(applied(before, hunksOf(before, after))).toBe(after);
    }),
    { numRuns: 500 },
  );
});

test("hunksOf() shows texts that have nothing in common as one stretch, without trying for long", () => {
  const many = (mark: string) => Array.from({ length: 50_000 }, (_, index) => `${mark}${index}\n`).join("");
  const [before, after] = [many("a"), many("b")];
  const hunks = hunksOf(before, after);
  expect(hunks.length).toBe(1);
  expect(applied(before, hunks)).toBe(after);
});

test.each([
  ["a b.txt", "a b.txt"],
  ["\xc3\xa9", "\xc3\xa9"],
  ["\xff", '"\\377"'],
  ["a\nb", '"a\\nb"'],
  ['q"\\', '"q\\"\\\\"'],
  ["\x1b[2J", '"\\033[2J"'],
  ["\xe2\x80\xaex", '"\\342\\200\\256x"'],
])("quoteName() writes %j as git does", (name, quoted) => {
  expect(quoteName(name)).toBe(quoted);
});
