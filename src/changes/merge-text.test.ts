import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeText } from "./merge-text.ts";

const labels = { ours: "host", theirs: "session" };

test("mergeText() takes what only one side changed and marks what both did", () => {
  expect(
    mergeText({ base: "a\nb\nc\nd\ne\n", ours: "A\nb\nc\nX\ne\n", theirs: "a\nb\nc\nY\ne\nf\n", labels }),
  ).toEqual({
    text: "A\nb\nc\n<<<<<<< host\nX\n=======\nY\n>>>>>>> session\ne\nf\n",
    conflicts: 1,
  });
  expect(mergeText({ base: "a\nb\nc\n", ours: "A\nb\nc\n", theirs: "a\nb\nC\n" })).toEqual({
    text: "A\nb\nC\n",
    conflicts: 0,
  });
});

test("mergeText() leaves every difference to the person where the base is not known", () => {
  expect(mergeText({ ours: "a\nours\nb\n", theirs: "a\ntheirs\nb\nmore", labels })).toEqual({
    text: "a\n<<<<<<< host\nours\n=======\ntheirs\n>>>>>>> session\nb\n<<<<<<< host\n=======\nmore\n>>>>>>> session\n",
    conflicts: 2,
  });
});

test("mergeText() keeps bytes and the lack of a last line's end where nothing is in conflict", () => {
  const text = "\xff\xfe\r\nx";
  expect(mergeText({ ours: text, theirs: text })).toEqual({ text, conflicts: 0 });
  expect(mergeText({ base: "x\n", ours: "x\n", theirs: text })).toEqual({ text, conflicts: 0 });
});

test("mergeText() gives each side back when its part of every conflict is taken", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "c"), { maxLength: 12 })
    .map((lines) => lines.map((each) => `${each}\n`).join(""));
  fc.assert(
    fc.property(text, text, (ours, theirs) => {
      const merged = mergeText({ ours, theirs, labels }).text;
      const take = (side: 1 | 2) =>
        merged.replace(/<{7} host\n((?:[abc]\n)*)={7}\n((?:[abc]\n)*)>{7} session\n/g, (_all, one, two) =>
          side === 1 ? one : two,
        );
      expect([take(1), take(2)]).toEqual([ours, theirs]);
    }),
  );
});
