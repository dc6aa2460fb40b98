import type { OpenLayer, StepResult } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";
import { type KnownSession, reviewSession } from "../../session/index.ts";
import { readAsked, sayIfNothing, sayRecovered } from "../changes/asked.ts";
import { mergeByHand } from "../changes/merge-by-hand.ts";
import { counted } from "../changes/say.ts";
import { sayApplied } from "../changes/say-applied.ts";
import { divideChanges, selectChanges } from "../changes/select.ts";
import { keepWithinDisk } from "../changes/within-disk.ts";
import { sessionFlag, sessionNote } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

const takes = ["theirs", "ours", "merge"] as const;
type Take = (typeof takes)[number];

function readTake(flags: FlagValues): Take | undefined {
  const text = flags.text("take");
  const take = takes.find((word) => word === text);
  if (text === undefined || take !== undefined) return take;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot decide conflicts by "${printable(text)}" (flag --take): it must be theirs, ours or merge`,
    remedy:
      "Write --take theirs for the session's version, --take ours for the folder's, --take merge for both",
  });
}

interface Applying {
  readonly session: KnownSession;
  readonly folder: string;
  readonly open: OpenLayer;
  readonly context: CommandContext;
}

/** Resolves to the conflicts that are merged. */
async function decideConflicts(
  { open, context }: Applying,
  conflicts: readonly JudgedChange[],
  take: Take | undefined,
): Promise<readonly JudgedChange[]> {
  if (conflicts.length === 0) return [];
  if (take === "ours") {
    await open.discard(conflicts);
    context.stdout.write(
      `Kept the folder's own version of ${counted(conflicts.length, "path")}; the session's is given up\n`,
    );
  }
  // What is refused would not be carried over, merged or not.
  const may = conflicts.filter((change) => change.class !== "refused");
  return take === "merge" ? mergeByHand(open, may, context) : [];
}

interface Applied {
  /** True: all went as it was asked for. What Workcell holds back by itself is no failure, unless nothing else was there. */
  readonly whole: boolean;
  /** Numbers of steps. */
  readonly made: readonly number[];
}

async function applyLayer(
  applying: Applying,
  selected: readonly JudgedChange[],
  take: Take | undefined,
): Promise<Applied> {
  const conflicts = selected.filter(({ conflict }) => conflict !== undefined);
  const merged = await decideConflicts(applying, conflicts, take);
  const open = selected.filter((change) => take !== "ours" || change.conflict === undefined);
  const { chosen, held } = divideChanges(open, { waiting: true, conflicts: take === "theirs" });
  const going = new Map([...chosen, ...merged].map((change) => [change.path, change]));
  const decided = selected.flatMap(({ path }) => going.get(path) ?? []);
  const rest = held.filter(({ path }) => !going.has(path));
  const result: StepResult = decided.length === 0 ? { left: [] } : await applying.open.apply(decided);
  const { session, folder, context } = applying;
  sayApplied({ session, folder, cwd: context.cwd, out: context.stdout }, result, rest);
  const isAnyDone = decided.length > 0 || take === "ours";
  const isWhole = result.left.length === 0 && rest.every(({ conflict }) => conflict === undefined);
  return { whole: isAnyDone && isWhole, made: result.step === undefined ? [] : [result.step.number] };
}

async function applyAll(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const take = readTake(flags);
  const asked = await readAsked(flags, { words, acts: true }, context);
  if (asked === undefined) return 0;
  const { session, input } = asked;
  const results = await reviewSession(input, asked.select, async (open, { folder }) => {
    sayRecovered(open.recovered, open.steps, context);
    asked.check(folder, open.changes);
    const selected = selectChanges(open.changes, asked.below(folder));
    if (selected.length === 0) return { count: 0, whole: true, made: [] };
    return {
      count: selected.length,
      ...(await applyLayer({ session, folder, open, context }, selected, take)),
    };
  });
  const made = results.flatMap((result) => result.made);
  if (made.length > 0) await keepWithinDisk(input, made, context);
  sayIfNothing(
    results.reduce((sum, { count }) => sum + count, 0),
    asked,
    context,
  );
  return results.every(({ whole }) => whole) ? 0 : 1;
}

export const apply: Command = {
  name: "apply",
  summary: "carry a session's changes over into the folder, as a step that can be undone",
  usage: "[FLAGS] [SESSION] [PATH...]",
  notes: [
    "What git, shells, editors and agents would run by themselves is held back unless you name its PATH; what you changed meanwhile is a conflict, and is not overwritten.",
    sessionNote,
  ],
  flags: [
    {
      name: "take",
      value: "WHOSE",
      help: "decide conflicts: theirs (the session's), ours (the folder's), merge (both, in $EDITOR)",
    },
    sessionFlag,
  ],
  example: "workcell apply",
  run: applyAll,
};
