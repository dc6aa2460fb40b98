import { expect, test } from "vitest";
import { isForward, rootOf } from "../../changes/index.ts";
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

test("rootOf() finds the apply that undos go back to", () => {
  expect(steps.map((step) => rootOf(step, steps))).toEqual([1, 1, 1, 1, undefined]);
});

test("oppositeOf() names the step, and what undoing it comes to", () => {
  expect([1, 2, 3].map((at) => oppositeOf(steps[at] ?? steps[0], steps, "ann"))).toEqual([
    "to bring it back: workcell undo ann --step 2",
    "to undo: workcell undo ann --step 3",
    "to bring it back: workcell undo ann --step 4",
  ]);
});
