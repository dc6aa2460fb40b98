import path from "node:path";
import type { BytePath } from "../../model/index.ts";
import { readSteps } from "./journal.ts";
import { carriedOut, isOpenStep } from "./run-step.ts";
import { atOrAbove, isAtOrBelow } from "./since.ts";
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

/**
 * The paths that a step changed, as `diff` counts them: what is in a folder that came as a whole counts, too, and a folder that went is
 * one. An undo changed those that the step had which it took back, but for what had been taken back before.
 */
function changedPaths(step: Step, all: readonly Step[]): ReadonlySet<BytePath> {
  const done = (step.done ?? []).filter(({ failed }) => failed === undefined);
  const undone = step.kind === "undo" ? all.find(({ number }) => number === step.of) : undefined;
  if (undone === undefined)
    return new Set(
      done.flatMap(({ path, placed = [] }) => [
        ...(placed.length === 0 ? [path] : []),
        ...placed.map((one) => one.path),
      ]),
    );
  const before = goneBefore(step, undone, all);
  const tops = new Set(done.map(({ path }) => path));
  const changed = new Map([...tops].map((top) => [top, [] as BytePath[]]));
  for (const path of changedPaths(undone, all)) {
    const top = before.has(path) ? undefined : atOrAbove(tops, path);
    if (top !== undefined) changed.get(top)?.push(path);
  }
  return new Set([...changed].flatMap(([top, its]) => (its.length === 0 ? [top] : its)));
}

/** What earlier undos of the same step took back, and nobody brought again. */
function goneBefore(undo: Step, undone: Step, all: readonly Step[]): ReadonlySet<BytePath> {
  const earlier = all.filter(({ number, of }) => of === undone.number && number < undo.number);
  const gone = new Set<BytePath>();
  for (const one of earlier) {
    const back = all.filter(({ number, of }) => of === one.number && number < undo.number);
    const again = new Set(back.flatMap((step) => [...changedPaths(step, all)]));
    for (const path of changedPaths(one, all)) if (!again.has(path)) gone.add(path);
  }
  return gone;
}

/** How many paths a step changed, each as `diff` counts it. `all` are the session's steps. */
export const countChanged = (step: Step, all: readonly Step[]): number => changedPaths(step, all).size;

function listed(steps: string, step: Step, all: readonly Step[]): ListedStep {
  const { number, kind, of, time, folder, state } = step;
  const changed = carriedOut(step);
  const undone = new Set(step.undone);
  const undonePaths = changed.filter(({ path: place }) => isAtOrBelow(undone, place)).length;
  const isAll = changed.length > 0 && undonePaths === changed.length;
  return {
    ...{ number, kind, time, folder, paths: changed.length, changes: countChanged(step, all) },
    ...(of === undefined ? {} : { of }),
    ...{ undonePaths, undone: isAll ? "all" : undone.size > 0 ? "part" : "none" },
    keptBytes: spaceOf(path.join(steps, String(number))),
    isDone: state === "done" && !isOpenStep(step),
  };
}

/** The steps of a session that can be looked at, the oldest first; what was forgotten is not among them. */
export function listSteps(steps: string): readonly ListedStep[] {
  const all = readSteps(steps);
  return all.filter(({ forgotten }) => forgotten !== true).map((step) => listed(steps, step, all));
}
