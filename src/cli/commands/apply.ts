import type { OpenLayer } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";
import { chooseSession, type KnownSession, reviewSession } from "../../session/index.ts";
import { mergeByHand } from "../changes/merge-by-hand.ts";
import { counted } from "../changes/say.ts";
import { sayApplied } from "../changes/say-applied.ts";
import { divideChanges, nothingThere, selectChanges } from "../changes/select.ts";
import { pathsIn, readWords, stateOf } from "../changes/words.ts";
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

async function decideConflicts(
  applying: Applying,
  conflicts: readonly JudgedChange[],
  take: Take | undefined,
) {
  const { open, context } = applying;
  if (take === "ours") {
    await open.discard(conflicts);
    context.stdout.write(`Kept the folder's own version of ${counted(conflicts.length, "path")}\n`);
  }
  if (take !== "merge") return [];
  return mergeByHand(open, conflicts, context);
}

async function applyLayer(
  applying: Applying,
  selected: readonly JudgedChange[],
  take: Take | undefined,
): Promise<boolean> {
  const conflicts = selected.filter(({ conflict }) => conflict !== undefined);
  const merged = await decideConflicts(applying, conflicts, take);
  const open = selected.filter((change) => take !== "ours" || change.conflict === undefined);
  const { chosen, held } = divideChanges(open, { waiting: true, conflicts: take === "theirs" });
  const decided = [...chosen, ...held.filter((change) => merged.includes(change))];
  const rest = held.filter((change) => !merged.includes(change));
  const result = decided.length === 0 ? { left: [] } : await applying.open.apply(decided);
  sayApplied(
    { session: applying.session, folder: applying.folder, out: applying.context.stdout },
    result,
    rest,
  );
  return result.left.length === 0 && rest.every(({ conflict }) => conflict === undefined);
}

/** Says what an ended Workcell had left in the middle. */
export function sayRecovered({ open, context }: Pick<Applying, "open" | "context">): void {
  for (const { number, done = [] } of open.recovered)
    context.stderr.write(
      `workcell: step ${number} had been interrupted and is finished now: ${counted(done.length, "path")}\n`,
    );
}

async function applyAll(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { name, paths } = readWords(words, context);
  const take = readTake(flags);
  const state = stateOf(context);
  const session = chooseSession(state, name, "changes");
  const named = (folder: string) => pathsIn(paths, folder, context.cwd);
  const results = await reviewSession(
    { state, installation: context.installation, session },
    ({ folder }) => named(folder),
    async (open, { folder }) => {
      const applying = { session, folder, open, context };
      sayRecovered(applying);
      const below = named(folder);
      if (paths.length > 0 && below.length === 0) return { count: 0, whole: true };
      const selected = selectChanges(open.changes, below);
      if (selected.length === 0) return { count: 0, whole: true };
      return { count: selected.length, whole: await applyLayer(applying, selected, take) };
    },
  );
  const count = results.reduce((sum, one) => sum + one.count, 0);
  if (count === 0 && paths.length > 0) throw nothingThere(paths, session.name);
  if (count === 0) context.stderr.write(`workcell: session ${session.name} has no changes that wait\n`);
  return results.every(({ whole }) => whole) ? 0 : 1;
}

export const apply: Command = {
  name: "apply",
  summary: "carry a session's changes over into the folder, as a step that can be undone",
  usage: "[FLAGS] [SESSION] [PATH...]",
  flags: [
    {
      name: "take",
      value: "WHOSE",
      help: "decide conflicts: theirs (the session's), ours (the folder's), merge (both, in $EDITOR)",
    },
  ],
  example: "workcell apply",
  run: applyAll,
};
