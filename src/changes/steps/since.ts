import type { BytePath } from "../../model/index.ts";
import { parentOf } from "../byte-path.ts";
import type { Written } from "../conflicts.ts";
import { writtenBy } from "./journal.ts";
import type { Step } from "./step.ts";

/** What Workcell itself did to a folder after a step. */
export interface Since {
  /** How it left what it wrote. */
  readonly written: ReadonlyMap<BytePath, Written>;
  /** The last later step that did something at a path or below and was not taken back. */
  stepAt(path: BytePath): number | undefined;
}

/** Whether a path, or a folder that it lies in, is among these. */
export function isAtOrBelow(paths: ReadonlySet<BytePath>, path: BytePath): boolean {
  if (paths.size === 0) return false;
  for (let at = path; at !== ""; at = parentOf(at)) if (paths.has(at)) return true;
  return false;
}

/** Paths that a step changed and no later one has put back. */
function changedBy(step: Step): readonly BytePath[] {
  const undone = new Set(step.undone);
  return (step.done ?? [])
    .filter(({ failed }) => failed === undefined)
    .flatMap(({ path, placed = [] }) => [path, ...placed.map((one) => one.path)])
    .filter((path) => !isAtOrBelow(undone, path));
}

/** An undo of a later step puts back what this one left, and counts as nothing. */
export function sinceOf({ step, all }: { readonly step: Step; readonly all: readonly Step[] }): Since {
  const later = all.filter(
    ({ number, folder, kind }) => number > step.number && folder === step.folder && kind === "apply",
  );
  const stepAt = new Map<BytePath, number>();
  for (const one of later) {
    for (const changed of changedBy(one))
      for (let at = changed; at !== ""; at = parentOf(at)) stepAt.set(at, one.number);
  }
  return { written: writtenBy(all, step.folder), stepAt: (path) => stepAt.get(path) };
}
