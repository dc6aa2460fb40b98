import { expect, test } from "vitest";
import { printable, printableLines } from "./printable.ts";

test.each([
  ["plain, ümlaut, 日本", "plain, ümlaut, 日本"],
  ["\u001b[2Jx\u0007", "\\u001b[2Jx\\u0007"],
  ["a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"],
  ["\u009b31m\u007f", "\\u009b31m\\u007f"],
  ["\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"],
  ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
  ["line\u2028end", "line\\u2028end"],
  ["tag\u{e0041}", "tag\\u{e0041}"],
  ["lone\ud800", "lone\\ud800"],
  ["smile 😀", "smile 😀"],
])("printable(%j) shows what would steer the terminal", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("printableLines() keeps line feeds and tabs, and nothing else that steers", () => {
  expect(printableLines("a\n\tb\r\u001b\u202e")).toBe("a\n\tb\\u000d\\u001b\\u202e");
});
