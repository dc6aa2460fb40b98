import fc from "fast-check";
import { expect, test } from "vitest";
import { loadProgram, runProgram } from "../../../test/helpers/bpf-simulator.ts";
import { type Architecture, architectures } from "./architecture.ts";
import type { CallName } from "./call-names.ts";
import { compileRules } from "./compile.ts";
import type { Answer, Condition, Rule, RuleSet } from "./rule.ts";

const returned: Record<Answer, number> = { allow: 0x7fff_0000, refuse: 0x0005_0001, enosys: 0x0005_0026 };
const machine: Architecture = architectures.x86_64;

/** Says of the data what the compiler must make the program say. */
function holds(condition: Condition, args: readonly bigint[]): boolean {
  const low = Number((args[condition.argument] ?? 0n) & 0xffff_ffffn);
  if ("any" in condition) return (low & condition.any) !== 0;
  const masked = (low & (condition.mask ?? 0xffff_ffff)) >>> 0;
  return "in" in condition ? condition.in.includes(masked) : !condition.notIn.includes(masked);
}

function interpret(rules: RuleSet, number: number, args: readonly bigint[]): Answer {
  const call = Object.entries(machine.calls).find(([, known]) => known === number)?.[0];
  if (call === undefined) return rules.unknown;
  const rule = rules.rules.find(
    ({ calls, when }) => calls.some((name) => name === call) && (when ?? []).every((c) => holds(c, args)),
  );
  return rule?.answer ?? rules.otherwise;
}

const names = Object.keys(machine.calls) as CallName[];
const answer = fc.constantFrom<Answer>("allow", "refuse", "enosys");
/** Few values, so that rules and arguments meet. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 0x8000_0000, 0xffff_ffff, 0x7fff_ffff, 0x5412),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const argument = fc
  .integer({ min: 0, max: 5 })
  .map((index) => ({ argument: index as Condition["argument"], name: "x" }));
const mask = fc.option(word, { nil: undefined }).map((value) => (value === undefined ? {} : { mask: value }));
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.tuple(argument, word).map(([a, any]) => ({ ...a, any })),
  fc
    .tuple(argument, fc.array(word, { maxLength: 6 }), mask)
    .map(([a, list, m]) => ({ ...a, in: list, ...m })),
  fc
    .tuple(argument, fc.array(word, { maxLength: 6 }), mask)
    .map(([a, list, m]) => ({ ...a, notIn: list, ...m })),
);
const rule: fc.Arbitrary<Rule> = fc
  .record({
    calls: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 8 }),
    when: fc.array(condition, { maxLength: 3 }),
    answer,
  })
  .map((parts) => ({ ...parts, reason: "" }));
const ruleSet = (size: number): fc.Arbitrary<RuleSet> =>
  fc
    .record({ rules: fc.array(rule, { maxLength: size }), otherwise: answer, unknown: answer })
    .map((parts) => ({ ...parts, name: "" }));
const low = fc.oneof(word, fc.constantFrom(0, 1, 2, 3));
const args = fc.array(
  fc.tuple(low, low).map(([upper, lower]) => (BigInt(upper) << 32n) | BigInt(lower)),
  { minLength: 6, maxLength: 6 },
);
const number = fc.oneof(fc.constantFrom(...Object.values(machine.calls)), fc.integer({ min: 0, max: 600 }));

test("compileRules() says of every call what the rules say", () => {
  fc.assert(
    fc.property(ruleSet(60), fc.array(fc.tuple(number, args), { minLength: 40 }), (rules, calls) => {
      const program = loadProgram(compileRules(rules, machine));
      for (const [called, given] of calls) {
        const run = runProgram(program, { number: called, audit: machine.audit, arguments: given });
        expect(run.value).toBe(returned[interpret(rules, called, given)]);
      }
    }),
    { numRuns: 150 },
  );
});

/** One rule a call, each comparing with `values` words: far more than a conditional jump can reach. */
function wide(values: number): RuleSet {
  const list = Array.from({ length: values }, (_, index) => index + 1);
  return {
    name: "",
    otherwise: "allow",
    unknown: "enosys",
    rules: names.map((call, index) => ({
      calls: [call],
      when: [{ argument: 1, name: "x", in: list }],
      answer: index % 2 === 0 ? "refuse" : "enosys",
      reason: "",
    })),
  };
}

test("compileRules() jumps further than 255 instructions", () => {
  const program = loadProgram(compileRules(wide(7), machine));
  expect(program.length).toBeGreaterThan(2500);
  for (const called of Object.values(machine.calls)) {
    for (const given of [
      [0n, 0n],
      [0n, 1n],
      [0n, 7n],
      [0n, 8n],
    ]) {
      const run = runProgram(program, { number: called, audit: machine.audit, arguments: given });
      expect(run.value).toBe(returned[interpret(wide(7), called, given)]);
    }
  }
});

test("compileRules() jumps over one list that is longer than 255 instructions", () => {
  const list = Array.from({ length: 700 }, (_, index) => index);
  const rules: RuleSet = {
    name: "",
    otherwise: "refuse",
    unknown: "enosys",
    rules: [{ calls: ["ioctl"], when: [{ argument: 1, name: "x", in: list }], answer: "allow", reason: "" }],
  };
  const program = loadProgram(compileRules(rules, machine));
  const ioctl = machine.calls["ioctl"] ?? -1;
  const ask = (value: bigint) =>
    runProgram(program, { number: ioctl, audit: machine.audit, arguments: [0n, value] }).value;
  expect([ask(0n), ask(350n), ask(699n), ask(700n)]).toEqual([
    returned.allow,
    returned.allow,
    returned.allow,
    returned.refuse,
  ]);
});

test("compileRules() refuses to make a program that the kernel would not take", () => {
  expect(() => compileRules(wide(20), machine)).toThrow("the kernel takes at most 4096");
});

test("compileRules() refuses a table of calls that is out of order", () => {
  const shuffled = { ...machine, calls: { write: 1, read: 0 } };
  expect(() => compileRules(wide(1), shuffled)).toThrow('"read" stands out of order');
});

test.each(Object.values(architectures))("the calls of $name have a number each", ({ calls }) => {
  const numbers = Object.values(calls);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test("compileRules() refuses the foreign table and foreign machines even where all else is allowed", () => {
  const open: RuleSet = { name: "", rules: [], otherwise: "allow", unknown: "allow" };
  const program = loadProgram(compileRules(open, machine));
  const ask = (called: number, audit: number) => runProgram(program, { number: called, audit }).value;
  expect(ask(1000, machine.audit)).toBe(returned.allow);
  expect(ask(0x4000_0000, machine.audit)).toBe(returned.refuse);
  expect(ask(0xffff_ffff, machine.audit)).toBe(returned.refuse);
  expect(ask(0, 0x4000_0003)).toBe(returned.refuse);
});

test("compileRules() asks a filter's own rules before those of the filter behind it", () => {
  const behind: RuleSet = {
    name: "",
    otherwise: "refuse",
    unknown: "enosys",
    rules: [{ calls: ["read", "write"], answer: "allow", reason: "" }],
  };
  const front: RuleSet = { ...behind, rules: [{ calls: ["write"], answer: "enosys", reason: "" }], behind };
  const program = loadProgram(compileRules(front, machine));
  const ask = (called: number) => runProgram(program, { number: called, audit: machine.audit }).value;
  expect([ask(0), ask(1), ask(2)]).toEqual([returned.allow, returned.enosys, returned.refuse]);
});
