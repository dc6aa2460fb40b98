import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { escapeAttempts } from "../security/escape/attempts.ts";

const program = (attempt: (typeof escapeAttempts)[number]) => ("c" in attempt ? attempt.c : attempt.sh);

test("every attempt has a name of its own, and each section has some", () => {
  const ids = escapeAttempts.map(({ id }) => id);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  expect([...new Set(ids.map((id) => id[0]))]).toEqual(["A", "B", "C", "D", "E", "H"]);
  expect(ids.filter((id) => !/^[A-EH]\.[a-z0-9-]+$/.test(id))).toEqual([]);
});

test("no two attempts of one cell share a canary", () => {
  const canaries = escapeAttempts
    .filter(({ proof, alone }) => proof === "canary" && alone === undefined)
    .map(({ id, canary }) => canary ?? id);
  expect(canaries.filter((canary, index) => canaries.indexOf(canary) !== index)).toEqual([]);
});

test("an attempt that the kernel is to look at says what it answers then", () => {
  const wrong = escapeAttempts.filter(({ proof, looked }) => (proof === "looked") !== (looked !== undefined));
  expect(wrong).toEqual([]);
});

test("what is refused is never refused in the way that says it went through", () => {
  const wrong = escapeAttempts.filter(({ looked, refused }) =>
    looked?.some((errno) => refused.includes(errno)),
  );
  expect(wrong.map(({ id }) => id)).toEqual([]);
});

test("no attempt signals everybody, and knobs of the machine are opened and never written", () => {
  const driver = readFileSync(path.resolve(import.meta.dirname, "../fixtures/escape-driver.c"), "utf8");
  expect([driver, ...escapeAttempts.map(program)].filter((text) => /kill\(-1\b/.test(text))).toEqual([]);
  const writing = escapeAttempts.filter((attempt) =>
    /(echo|touch\w*\().*\/(proc\/sys|sys)\b/.test(program(attempt)),
  );
  expect(writing.map(({ id }) => id)).toEqual([]);
});
