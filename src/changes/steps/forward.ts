import type { Step } from "./step.ts";

/** What of a step tells which way it goes. */
export type Numbered = Pick<Step, "number" | "kind" | "of">;

/** Whether a step put into the folder what a session had changed: an apply does, and the undo of an undo. */
export function isForward(step: Numbered, steps: readonly Numbered[]): boolean {
  if (step.kind === "apply") return true;
  const undone = steps.find(({ number }) => number === step.of);
  return undone !== undefined && !isForward(undone, steps);
}

/** The apply that a step, or the undo that it is an undo of, goes back to; undefined when that is gone. */
export function rootOf(step: Numbered, steps: readonly Numbered[]): number | undefined {
  if (step.kind === "apply") return step.number;
  const undone = steps.find(({ number }) => number === step.of);
  return undone && rootOf(undone, steps);
}
