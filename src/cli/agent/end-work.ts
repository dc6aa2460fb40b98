import { countWaiting, namedSession } from "../../session/index.ts";
import { settleChanges } from "../changes/after-run.ts";
import type { ApplyMode } from "../changes/apply-mode.ts";
import { stateOf } from "../changes/words.ts";
import type { CommandContext } from "../command.ts";
import { type Ran, say, sayDenials, sayEnding } from "../run-in-cell.ts";
import { typed } from "../typed.ts";
import { sumUpChanges } from "./sum-up.ts";

/** After the agent's work: what ended it, what was refused, what it changed, and what the person can do about that. */
export async function endWork(
  { outcome, reviewed }: Ran,
  how: {
    readonly mode: ApplyMode;
    readonly stays: boolean;
    /** The folders as they were named to be connected: a session that stays does not keep those of its runs. */
    readonly mounts: readonly string[];
    readonly quiet?: (what: string) => boolean;
  },
  context: CommandContext,
): Promise<void> {
  const { mode, stays, mounts, quiet = () => false } = how;
  const { session } = outcome;
  // They stand in the outcome and the log all the same.
  const denials = outcome.denials.filter(({ what }) => !quiet(what));
  sayEnding(outcome, context);
  if (denials.length > 0) sayDenials(denials, context);
  if (reviewed.length > 0) {
    if (mode === "none") await sumUpChanges(session, context);
    await settleChanges(session, reviewed, { mode, context });
    if (countWaiting(namedSession(stateOf(context), session), context.installation) > 0)
      say(context, `to give them up: workcell discard ${session}; what is applied, workcell undo takes back`);
  }
  if (stays)
    say(
      context,
      `to go on: workcell agent ${mounts.map((one) => `-m ${typed(one)} `).join("")}--resume ${session} "TASK"`,
    );
}
