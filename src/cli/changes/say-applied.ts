import type { Writable } from "node:stream";
import { countChanged, type StepResult } from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";
import type { KnownSession } from "../../session/index.ts";
import { caution, cautions, counted, leftLines, typedPath } from "./say.ts";

export interface SaidOf {
  readonly session: KnownSession;
  readonly folder: string;
  readonly cwd: string;
  readonly out: Writable;
}

function hints({ session, folder, cwd }: SaidOf, held: readonly JudgedChange[]): string {
  const conflicts = held.filter(({ conflict }) => conflict !== undefined);
  const others = held.filter(({ conflict }) => conflict === undefined);
  const [only] = others;
  const typed = others.length === 1 && only !== undefined ? typedPath(only.path, folder, cwd) : undefined;
  return [
    ...(conflicts.length > 0
      ? [`  to decide conflicts: workcell apply ${session.name} --take theirs|ours|merge\n`]
      : []),
    ...(others.length > 0
      ? [
          `  to apply ${typed === undefined ? "one" : "it"} all the same: workcell apply ${session.name} ${typed ?? "PATH"}\n`,
        ]
      : []),
  ].join("");
}

/** What was carried over and what was not, for a person. */
export function sayApplied(said: SaidOf, result: StepResult, held: readonly JudgedChange[]): void {
  const { session, folder, out } = said;
  const { step, left } = result;
  const count = step === undefined ? 0 : countChanged(step, [step]);
  // A step of which nothing could be done has nothing to undo.
  if (step !== undefined && count > 0)
    out.write(
      `Applied ${counted(count, "change")} to ${printable(folder)} (step ${step.number})\n  to undo: workcell undo ${session.name} --step ${step.number}\n`,
    );
  if (left.length > 0)
    out.write(
      `Left ${counted(left.length, "path")} as ${left.length === 1 ? "it was" : "they were"}:\n${leftLines(left)}`,
    );
  if (held.length === 0) return;
  // The others lie in folders that are held back, and go with them.
  const causes = held.filter((change) => caution(change) !== undefined);
  const inside = held.length - causes.length;
  const more =
    inside === 0 ? "" : `, and with ${causes.length === 1 ? "it" : "them"} ${counted(inside, "path")} inside`;
  out.write(
    `Held back ${counted(causes.length, "change")}${more}:\n${cautions(causes)}${hints(said, causes)}`,
  );
}
