import type { Step } from "./step.ts";

/** What of a step tells which way it goes. */
export type Numbered = Pick<Step, "number" | "kind" | "of">;

/** Whether a step put into the folder what a session had changed: an apply does, and the undo of an undo. */
export function isForward(step: Numbered, steps: readonly Numbered[]): boolean {
  if (step.kind === "apply") return true;
  const undone = steps.find(({ number }) => number === step.of);
  return undone !== undefined && !isForward(undone, steps);
}

/** How often something was undone from a step to this one: 1 is its undo, 2 the undo of that; undefined: not at all. */
export function undosBetween(step: Numbered, one: Numbered, steps: readonly Numbered[]): number | undefined {
  if (one.kind === "apply") return undefined;
  if (one.of === step.number) return 1;
  const before = steps.find(({ number }) => number === one.of);
  const links = before && undosBetween(step, before, steps);
  return links === undefined ? undefined : links + 1;
}
