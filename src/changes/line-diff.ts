import { diffArrays } from "diff";

/** A stretch of changed lines with what stands around it; each line begins with " ", "-" or "+" and ends with its own end. */
export interface Hunk {
  /** As patches count: from 1, and the line before where there is none. */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly string[];
}

const context = 3;
/** More differences than this are shown as one stretch replaced by another: still right, and not slow. */
const maxEditLength = 2_000;

/** Lines with their line feeds; the last may have none. One character a byte. */
export function linesOf(content: string): string[] {
  return content.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

type Step = readonly [mark: " " | "-" | "+", line: string];

/** The hunks that make `after` of `before`. */
export function hunksOf(before: string, after: string): readonly Hunk[] {
  if (before === after) return [];
  const { skipped, steps } = stepsOf(linesOf(before), linesOf(after));
  const hunks: Hunk[] = [];
  let [done, old, now] = [0, skipped, skipped];
  for (const [start, end] of stretches(steps)) {
    // What lies between two hunks is the same on both sides.
    old += start - done;
    now += start - done;
    const hunk = hunkOf(steps.slice(start, end), old, now);
    hunks.push(hunk);
    old += hunk.oldLines;
    now += hunk.newLines;
    done = end;
  }
  return hunks;
}

/** The steps between the first difference and the last, with the context of both; `skipped` lines stand above. */
function stepsOf(
  before: string[],
  after: string[],
): { readonly skipped: number; readonly steps: readonly Step[] } {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && before.at(-1 - end) === after.at(-1 - end)) end++;
  const skipped = Math.max(0, start - context);
  const same = (line: string): Step => [" ", line];
  const steps = before.slice(skipped, start).map(same);
  for (const step of middle(
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  )) {
    steps.push(step);
  }
  for (const line of before.slice(before.length - end).slice(0, context)) steps.push(same(line));
  return { skipped, steps };
}

function middle(before: string[], after: string[]): Step[] {
  const replaced = (): Step[] => [
    ...before.map((line): Step => ["-", line]),
    ...after.map((line): Step => ["+", line]),
  ];
  if (before.length === 0 || after.length === 0) return replaced();
  const parts = diffArrays(before, after, { maxEditLength });
  if (parts === undefined) return replaced();
  return parts.flatMap(({ added, removed, value }) =>
    value.map((line): Step => [added ? "+" : removed ? "-" : " ", line]),
  );
}

/** From where to where each hunk goes, its context included. */
function stretches(steps: readonly Step[]): [start: number, end: number][] {
  const found: [number, number][] = [];
  for (const [index, [mark]] of steps.entries()) {
    if (mark === " ") continue;
    const start = Math.max(0, index - context);
    const end = Math.min(steps.length, index + 1 + context);
    const last = found.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else found.push([start, end]);
  }
  return found;
}

function hunkOf(inside: readonly Step[], oldBefore: number, newBefore: number): Hunk {
  const oldLines = inside.filter(([mark]) => mark !== "+").length;
  const newLines = inside.filter(([mark]) => mark !== "-").length;
  return {
    oldStart: oldBefore + (oldLines === 0 ? 0 : 1),
    oldLines,
    newStart: newBefore + (newLines === 0 ? 0 : 1),
    newLines,
    lines: inside.map(([mark, line]) => mark + line),
  };
}
