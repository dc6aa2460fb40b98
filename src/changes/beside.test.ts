import { expect, test } from "vitest";
import { besidePatch } from "./beside.ts";

const patch = `diff --git a/notes.txt b/notes.txt
--- a/notes.txt
+++ b/notes.txt
@@ -1,3 +1,4 @@
 title
-the person's line
+the session's line
+and one more
 end
\\ No newline at end of file
`;

test("besidePatch() shows both versions in two columns, and nothing is cut", () => {
  expect(besidePatch(patch, { width: 43, colour: false })).toBe(`diff --git a/notes.txt b/notes.txt
--- a/notes.txt
+++ b/notes.txt
the folder's version | the session's
@@ -1,3 +1,4 @@
title                | title
the person's line    | the session's line
                     | and one more
end                  | end
`);
  const long = besidePatch(patch.replace("the person's line", "x".repeat(45)), { width: 43, colour: false });
  expect(long.match(/x/g)).toHaveLength(45 + 4);
  expect(Math.max(...long.split("\n").map((line) => line.length))).toBeLessThanOrEqual(43);
});

test("besidePatch() colours what differs alone, and lets no text steer the terminal", () => {
  const shown = besidePatch(patch.replace("the session's line", "\x1b[2J"), { width: 60, colour: true });
  expect(shown).not.toContain("\x1b[2J");
  expect(shown).toContain("\x1b[31mthe person's line");
  expect(shown).not.toContain("\x1b[31mtitle");
});

test("besidePatch() leaves what has no lines as it is", () => {
  expect(besidePatch("# binary, 3 kB -> 4 kB\n", { width: 80, colour: false })).toBe(
    "# binary, 3 kB -> 4 kB\n",
  );
});
