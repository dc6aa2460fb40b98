import type { BytePath } from "../../model/index.ts";
import { parentOf } from "../byte-path.ts";
import type { Written } from "../conflicts.ts";
import { writtenBy } from "./journal.ts";
import { areOfOneFolder, type Step } from "./step.ts";

/** What Workcell itself did to a folder after a step. */
export interface Since {
  /** How it left what it wrote. */
  readonly written: ReadonlyMap<BytePath, Written>;
  /** The last later step that did something at a path or below and was not taken back, in words. */
  stepAt(path: BytePath): string | undefined;
}

/** What another session did to the same folder. */
export interface Elsewhere {
  readonly session: string;
  readonly steps: readonly Step[];
}

/** Which of these a path is, or lies in: the nearest. */
export function atOrAbove(paths: ReadonlySet<BytePath>, path: BytePath): BytePath | undefined {
  if (paths.size === 0) return undefined;
  for (let at = path; at !== ""; at = parentOf(at)) if (paths.has(at)) return at;
  return undefined;
}

/** Whether a path, or a folder that it lies in, is among these. */
export const isAtOrBelow = (paths: ReadonlySet<BytePath>, path: BytePath): boolean =>
  atOrAbove(paths, path) !== undefined;

/** Paths that a step changed and no later one has put back. */
function changedBy(step: Step): readonly BytePath[] {
  const undone = new Set(step.undone);
  return (step.done ?? [])
    .filter(({ failed }) => failed === undefined)
    .flatMap(({ path, placed = [] }) => [path, ...placed.map((one) => one.path)])
    .filter((path) => !isAtOrBelow(undone, path));
}

interface Told {
  readonly step: Step;
  readonly words: string;
}

const isOlder = (one: Step, other: Step) => BigInt(one.decidedNs) < BigInt(other.decidedNs);

/** The steps of other sessions count as well: most runs are sessions of their own. */
function inOrder(all: readonly Step[], elsewhere: readonly Elsewhere[]): readonly Told[] {
  const own = all.map((step) => ({ step, words: `step ${step.number}` }));
  const others = elsewhere.flatMap(({ session, steps }) =>
    steps.map((step) => ({ step, words: `step ${step.number} of session ${session}` })),
  );
  if (others.length === 0) return own;
  return [...own, ...others].sort(({ step: one }, { step: other }) => (isOlder(one, other) ? -1 : 1));
}

/** An undo of a later step puts back what this one left, and counts as nothing. */
export function sinceOf({
  step,
  all,
  elsewhere = [],
}: {
  readonly step: Step;
  readonly all: readonly Step[];
  readonly elsewhere?: readonly Elsewhere[];
}): Since {
  const steps = inOrder(all, elsewhere).filter((one) => areOfOneFolder(one.step, step));
  const isLater = (one: Step) => (all.includes(one) ? one.number > step.number : isOlder(step, one));
  const stepAt = new Map<BytePath, string>();
  for (const { step: one, words } of steps.filter(
    (told) => told.step.kind === "apply" && isLater(told.step),
  )) {
    for (const changed of changedBy(one))
      for (let at = changed; at !== ""; at = parentOf(at)) stepAt.set(at, words);
  }
  const written = writtenBy(
    steps.map((told) => told.step),
    step.folder,
  );
  return { written, stepAt: (path) => stepAt.get(path) };
}
