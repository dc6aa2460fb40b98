import path from "node:path";
import { readSteps } from "./journal.ts";
import { carriedOut, isOpenStep } from "./run-step.ts";
import { isAtOrBelow } from "./since.ts";
import { spaceOf } from "./space-of.ts";
import type { Step, StepKind } from "./step.ts";

/** A step as a person is shown it. */
export interface ListedStep {
  readonly number: number;
  readonly kind: StepKind;
  /** For an undo: the step that it took back. */
  readonly of?: number;
  /** ISO 8601. */
  readonly time: string;
  readonly folder: string;
  /** Paths that it changed, folders that it made as one. */
  readonly paths: number;
  /** The same, with all that is in such folders. */
  readonly changes: number;
  /** How many of the paths later steps took back. */
  readonly undonePaths: number;
  /** How much of it later steps took back; part of a folder counts as well. */
  readonly undone: "none" | "part" | "all";
  /** What it takes on the disk with all that it keeps, in bytes. */
  readonly keptBytes: number;
  /** False: an ended Workcell left it in the middle, and the next opening of its folder finishes it. */
  readonly isDone: boolean;
}

/** How many paths a step changed: what is in a folder that came as a whole counts, too. */
export function countChanged({ done = [] }: Step): number {
  return done
    .filter(({ failed }) => failed === undefined)
    .reduce((sum, { placed = [] }) => sum + Math.max(1, placed.length), 0);
}

function listed(steps: string, step: Step): ListedStep {
  const { number, kind, of, time, folder, state } = step;
  const changed = carriedOut(step);
  const undone = new Set(step.undone);
  const undonePaths = changed.filter(({ path: place }) => isAtOrBelow(undone, place)).length;
  const isAll = changed.length > 0 && undonePaths === changed.length;
  return {
    ...{ number, kind, time, folder, paths: changed.length, changes: countChanged(step) },
    ...(of === undefined ? {} : { of }),
    ...{ undonePaths, undone: isAll ? "all" : undone.size > 0 ? "part" : "none" },
    keptBytes: spaceOf(path.join(steps, String(number))),
    isDone: state === "done" && !isOpenStep(step),
  };
}

/** The steps of a session that can be looked at, the oldest first; what was forgotten is not among them. */
export function listSteps(steps: string): readonly ListedStep[] {
  return readSteps(steps)
    .filter(({ forgotten }) => forgotten !== true)
    .map((step) => listed(steps, step));
}
