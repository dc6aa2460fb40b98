import { isForward, type Numbered, rootOf, type Step } from "../../changes/index.ts";
import { isUndoable } from "../../session/index.ts";

/** The step that brought back what was undone of another one, where that is so still. */
export const broughtBackBy = (step: Step, steps: readonly Step[]): Step | undefined =>
  steps.findLast(
    (one) => one.kind === "undo" && rootOf(one, steps) === step.number && isUndoable(one, steps),
  );

/** The line with which to do the opposite of what a step did. */
export function oppositeOf(step: Numbered, steps: readonly Numbered[], session: string): string {
  const what = isForward(step, steps) ? "to undo" : "to bring it back";
  return `${what}: workcell undo ${session} --step ${step.number}`;
}
