import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { parsePresets, parseProfile, parseTier, parseTunnel } from "./parse-choice.ts";
import { parseDuration } from "./parse-duration.ts";
import { parseSessionName, parseWorkdir } from "./parse-text.ts";
import { parseUidRange } from "./parse-uid-range.ts";
import { parseVariable } from "./parse-variable.ts";

const origin = "o";

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["596h", 2_145_600_000],
])("parseDuration(%s) is %i ms", (text, value) => {
  expect(parseDuration(text, origin)).toEqual({ value, origin });
});

test.each([
  ["0", "not a whole number followed by ms, s, m or h"],
  ["0s", "no time at all; leave it out for no limit"],
  ["", "not a whole number followed by ms, s, m or h"],
  ["30", "not a whole number followed by ms, s, m or h"],
  ["1.5h", "not a whole number followed by ms, s, m or h"],
  ["-1s", "not a whole number followed by ms, s, m or h"],
  ["1d", "not a whole number followed by ms, s, m or h"],
  ["597h", "more than the 596h that can be waited for"],
])("parseDuration(%j) is refused", async (text, problem) => {
  expect(await failureOf(() => parseDuration(text, origin))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the time-out "${text}" (o): ${problem}`,
    remedy: "Write it like 500ms, 30s, 5m or 2h",
  });
});

test.each([
  ["A=1", { name: "A", value: "1" }],
  ["A_b2=x=y\n", { name: "A_b2", value: "x=y\n" }],
  ["A=", { name: "A", value: "" }],
  ["TOKEN", { name: "TOKEN" }],
])("parseVariable(%j) reads name and value", (text, value) => {
  expect(parseVariable(text, origin)).toEqual({ value, origin });
});

test.each(["", "=x", "1A=x", "A-B", "A B=x", "Ä=1", "A\n=1"])(
  "parseVariable(%j) is refused",
  async (text) => {
    const name = (text.split("=")[0] ?? "").replace("\n", "\\u000a");
    expect(await failureOf(() => parseVariable(text, origin))).toEqual({
      code: "WC_SETTINGS",
      message: `Cannot use the environment variable "${name}" (o): not a name; it must be letters, digits and _, and not begin with a digit`,
      remedy: "Write it as NAME=VALUE, or as NAME to pass the host's value in",
    });
  },
);

test("parseVariable() refuses a NUL in the value", async () => {
  expect(await failureOf(() => parseVariable("A=x\0y", origin))).toEqual({
    code: "WC_SETTINGS",
    message:
      'Cannot use the value of the environment variable A "x\\u0000y" (o): it contains a NUL, which no variable can hold',
    remedy: "Remove the NUL from the value of A",
  });
});

test("parseUidRange() reads first and last", () => {
  expect(parseUidRange("54321-54330", origin)).toEqual({ value: { first: 54321, last: 54330 }, origin });
});

const numbers = "Write it as FIRST-LAST, like 1900000000-1900065535";
const free = "Name a range that nothing else uses, like 1900000000-1900065535";
test.each([
  ["54321", "not two numbers with a - between them", numbers],
  ["a-b", "not two numbers with a - between them", numbers],
  ["-1-5", "not two numbers with a - between them", numbers],
  ["5000-4000", "its last is below its first", free],
  ["0-70000", "it begins below 1000, among the system's own users", free],
  ["999-2000", "it begins below 1000, among the system's own users", free],
  ["60000-70000", "it contains 65534 or 65535", free],
  ["65535-65535", "it contains 65534 or 65535", free],
  ["2147483647-2147483648", "it ends above 2147483647", free],
])("parseUidRange(%s) is refused", async (text, problem, remedy) => {
  expect(await failureOf(() => parseUidRange(text, origin))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the uid range "${text}" (o): ${problem}`,
    remedy,
  });
});

test("parsePresets() reads a comma list, each with the origin", () => {
  expect(parsePresets("npm, git", origin)).toEqual([
    { value: "npm", origin },
    { value: "git", origin },
  ]);
});

test.each([
  ["profile", "none", () => parseProfile("none", origin), "cowork, standard"],
  ["profile", "Cowork", () => parseProfile("Cowork", origin), "cowork, standard"],
  ["tunnel", "ssh", () => parseTunnel("ssh", origin), "socat, direct"],
  ["tier", "", () => parseTier("", origin), "process, vm"],
  ["preset", "", () => parsePresets("", origin), "npm, pip, apt, git"],
  ["preset", "cargo", () => parsePresets("npm,cargo", origin), "npm, pip, apt, git"],
])("an unknown %s %j is refused with those that exist", async (what, value, attempt, known) => {
  expect(await failureOf(attempt)).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the ${what} "${value}" (o): no such ${what}; it must be one of ${known}`,
    remedy: `Name one of ${known}`,
  });
});

test.each(["brave-loving-maxwell", "a", "a1-2", "x".repeat(63)])("parseSessionName(%s) stands", (value) => {
  expect(parseSessionName(value, origin)).toEqual({ value, origin });
});

test.each(["", "..", "a/b", "A", "-a", "a-", "a--b", "a\n", "x".repeat(64)])(
  "parseSessionName(%j) is refused",
  async (text) => {
    expect(await failureOf(() => parseSessionName(text, origin))).toEqual({
      code: "WC_SETTINGS",
      message: `Cannot use the session "${text.replace("\n", "\\u000a")}" (o): not a name; it must be at most 63 lower-case letters and digits, with single - between them`,
      remedy: "Write it like brave-loving-maxwell",
    });
  },
);

test.each([
  ["", "it is empty"],
  ["a\0b", "it contains a control character"],
])("parseWorkdir(%j) is refused", async (text, problem) => {
  expect(await failureOf(() => parseWorkdir(text, origin))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the working directory "${text.replace("\0", "\\u0000")}" (o): ${problem}`,
    remedy: "Name a folder of the cell, or leave it out",
  });
});
