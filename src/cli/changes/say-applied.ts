import type { Writable } from "node:stream";
import { type StepResult, summarise, summaryLine } from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";
import type { KnownSession } from "../../session/index.ts";
import { cautions, counted, leftLines } from "./say.ts";

export interface SaidOf {
  readonly session: KnownSession;
  readonly folder: string;
  readonly out: Writable;
}

/** What was carried over and what was not, for a person. */
export function sayApplied(
  { session, folder, out }: SaidOf,
  result: StepResult,
  held: readonly JudgedChange[],
): void {
  const done = (result.step?.done ?? []).filter(({ failed }) => failed === undefined);
  const paths = done.reduce((sum, { placed = [] }) => sum + Math.max(1, placed.length), 0);
  if (result.step !== undefined)
    out.write(
      `Applied ${counted(paths, "change")} to ${printable(folder)} (step ${result.step.number}); to take it back: workcell undo ${session.name}\n`,
    );
  out.write(leftLines(result.left));
  if (held.length === 0) return;
  out.write(`Held back: ${summaryLine(summarise(held))}\n${cautions(held)}`);
  const [first] = held;
  const isConflict = first?.conflict !== undefined;
  out.write(
    isConflict
      ? `To decide conflicts: workcell apply ${session.name} --take theirs|ours|merge [PATH...]\n`
      : `To apply one all the same, name it: workcell apply ${session.name} PATH\n`,
  );
}
