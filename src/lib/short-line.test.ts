import v8 from "node:v8";
import vm from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "./printable.ts";
import { shortLine } from "./short-line.ts";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;

test("shortLine() leaves up to 500 characters alone, and cuts a longer text with an ellipsis", () => {
  expect(shortLine("a".repeat(500))).toBe("a".repeat(500));
  expect(shortLine("a".repeat(501))).toBe(`${"a".repeat(499)}…`);
  expect(shortLine("a".repeat(60_000))).toBe(`${"a".repeat(499)}…`);
});

test("shortLine() cuts after the control characters have been neutralised", () => {
  expect(shortLine("\x1b".repeat(100))).toBe(`${"\\u001b".repeat(83)}\\…`);
  expect(shortLine("\x1b[2J")).toBe("\\u001b[2J");
});

test("shortLine() is never too long, never steers, and is what printable() says where that is short", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 1200, size: "max" }), (text) => {
      const line = shortLine(text);
      expect(line.length).toBeLessThanOrEqual(500);
      expect(printable(line)).toBe(line);
      const whole = printable(text);
      if (whole.length <= 500) expect(line).toBe(whole);
    }),
    { numRuns: 30 },
  );
});

test("shortLine() keeps nothing of the text it was cut from", () => {
  const whole = () => Buffer.alloc(60_000, "a").toString("latin1");
  const grown = (cut: (text: string) => string) => {
    collect();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 500 }, () => cut(whole()));
    collect();
    return (process.memoryUsage().heapUsed - before) / kept.length;
  };
  expect(grown(shortLine)).toBeLessThan(10_000);
  expect(grown((text) => shortLine(text.slice(7, 47)))).toBeLessThan(10_000);
  // Control: a plain slice keeps all of it.
  expect(grown((text) => text.slice(7, 47))).toBeGreaterThan(50_000);
});
