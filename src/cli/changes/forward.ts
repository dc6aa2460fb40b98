import { isForward, type Numbered, type Step, undosBetween } from "../../changes/index.ts";
import { isStanding } from "../../session/index.ts";

/** The last step that brought back what was undone of another one, where that is so still. */
export const broughtBackBy = (step: Step, steps: readonly Step[]): Step | undefined =>
  steps.findLast((one) => (undosBetween(step, one, steps) ?? 1) % 2 === 0 && isStanding(one));

/** The line with which to do the opposite of what a step did. */
export function oppositeOf(step: Numbered, steps: readonly Numbered[], session: string): string {
  const what = isForward(step, steps) ? "to undo" : "to bring it back";
  return `${what}: workcell undo ${session} --step ${step.number}`;
}
