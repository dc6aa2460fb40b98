import type { Step } from "../../changes/index.ts";

type Numbered = Pick<Step, "number" | "kind" | "of">;

/** Whether a step put into the folder what a session had changed: an apply does, and the undo of an undo. */
export function isForward(step: Numbered, steps: readonly Numbered[]): boolean {
  if (step.kind === "apply") return true;
  const undone = steps.find(({ number }) => number === step.of);
  return undone !== undefined && !isForward(undone, steps);
}

/** The line with which to do the opposite of what a step did. */
export function oppositeOf(step: Numbered, steps: readonly Numbered[], session: string): string {
  const what = isForward(step, steps) ? "to undo" : "to bring it back";
  return `${what}: workcell undo ${session} --step ${step.number}`;
}
