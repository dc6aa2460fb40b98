import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonFault } from "./json-fault.ts";

test.each([
  ["", { line: 1, column: 1 }],
  ["{", { line: 1, column: 2 }],
  ['{"a": 1,}', { line: 1, column: 9 }],
  ['{\n  "a": 1\n  "b": 2\n}', { line: 3, column: 3 }],
  ['{"a": [1, 2}', { line: 1, column: 12 }],
  ["// no comment\n{}", { line: 1, column: 1 }],
  ["{} x", { line: 1, column: 4 }],
  ["[01]", { line: 1, column: 3 }],
  ['{"a" 1}', { line: 1, column: 6 }],
])("jsonFault(%j) is the first place that is not JSON", (text, fault) => {
  expect(jsonFault(text)).toEqual(fault);
});

test("jsonFault() survives a nesting that ends a recursive reader", () => {
  expect(jsonFault("[".repeat(200_000))).toEqual({ line: 1, column: 200_001 });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("jsonFault() finds nothing in what JSON.parse() reads", () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, "\t"), (text, indent) => {
      expect(jsonFault(JSON.stringify(JSON.parse(text), null, indent))).toBe(undefined);
    }),
  );
});

test("jsonFault() agrees with JSON.parse() on texts made of JSON's own signs", () => {
  const signs = fc.constantFrom(...'{}[],:"\\ua01-+.eE \n', "true", "null", '"k"', '"k":', "\u0001");
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      expect(jsonFault(text) === undefined).toBe(parses(text));
    }),
    { numRuns: 20_000 },
  );
});
