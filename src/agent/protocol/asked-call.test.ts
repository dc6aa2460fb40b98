import { expect, test } from "vitest";
import { askedCall } from "./asked-call.ts";

test("what a person is asked about is shown whole, and nothing of it steers the terminal", () => {
  expect(askedCall("Bash", { command: "ls\u202e", description: "d" })).toBe(
    'Bash {"command":"ls\\u202e","description":"d"}',
  );
  expect(askedCall("Bash", { command: `: ${"x".repeat(1500)}; rm -rf ~` })).toContain("; rm -rf ~");
  expect(askedCall("tool", undefined)).toBe("tool ");
});

test("of a call that is too long to be read it is said how much is left out, and its short parts are shown", () => {
  const long = "x".repeat(100_000);
  const shown = askedCall("Bash", { description: long, command: "rm -rf ~", extra: long, ending: "y" });
  expect(shown.length).toBeLessThan(4200);
  expect(shown).toContain('"command":"rm -rf ~"');
  expect(shown).toMatch(/\[196\d{3} of 200\d{3} characters are left out here\]/);
  expect(askedCall("Bash", { command: `a${long}; rm -rf ~` })).toContain("; rm -rf ~");
});
