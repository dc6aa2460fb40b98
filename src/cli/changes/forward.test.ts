import { expect, test } from "vitest";
import { isForward, undosBetween } from "../../changes/index.ts";
import { oppositeOf } from "./forward.ts";

const steps = [
  { number: 1, kind: "apply" },
  { number: 2, kind: "undo", of: 1 },
  { number: 3, kind: "undo", of: 2 },
  { number: 4, kind: "undo", of: 3 },
  { number: 5, kind: "undo", of: 9 },
] as const;

test("isForward() is true of an apply and of the undo of an undo, and so on; not where that step is gone", () => {
  expect(steps.map((step) => isForward(step, steps))).toEqual([true, false, true, false, false]);
});

test("undosBetween() counts from a step to those that came of it", () => {
  expect(steps.map((one) => undosBetween(steps[0], one, steps))).toEqual([undefined, 1, 2, 3, undefined]);
  expect(steps.map((one) => undosBetween(steps[1], one, steps))).toEqual([
    undefined,
    undefined,
    1,
    2,
    undefined,
  ]);
});

test("oppositeOf() names the step, and what undoing it comes to", () => {
  expect([1, 2, 3].map((at) => oppositeOf(steps[at] ?? steps[0], steps, "ann"))).toEqual([
    "to bring it back: workcell undo ann --step 2",
    "to undo: workcell undo ann --step 3",
    "to bring it back: workcell undo ann --step 4",
  ]);
});
