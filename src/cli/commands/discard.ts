import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import {
  chooseSession,
  type KnownSession,
  listSessions,
  reviewSession,
  waitingLayers,
} from "../../session/index.ts";
import { readAge } from "../changes/age.ts";
import { ask, canAsk } from "../changes/ask.ts";
import { counted } from "../changes/say.ts";
import { nothingThere, selectChanges } from "../changes/select.ts";
import { pathsIn, readWords, stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

async function discardIn(
  session: KnownSession,
  paths: readonly string[],
  context: CommandContext,
): Promise<number> {
  const named = (folder: string) => pathsIn(paths, folder, context.cwd);
  const input = { state: stateOf(context), installation: context.installation, session };
  const counts = await reviewSession(
    input,
    () => [],
    async (open, { folder }) => {
      const below = named(folder);
      if (paths.length > 0 && below.length === 0) return 0;
      const selected =
        paths.length === 0 ? open.changes : selectChanges(open.changes, below).filter(isBelow(below));
      await open.discard(selected);
      if (selected.length > 0)
        context.stdout.write(
          `Discarded ${counted(selected.length, "change")} of ${printable(folder)} in session ${session.name}\n`,
        );
      return selected.length;
    },
  );
  return counts.reduce((sum, one) => sum + one, 0);
}

/** New folders above a path stay: other changes may be in them. */
const isBelow = (paths: readonly string[]) => (change: { readonly path: string }) =>
  paths.some((one) => one === "" || change.path === one || change.path.startsWith(`${one}/`));

function olderSessions(flags: FlagValues, context: CommandContext): readonly KnownSession[] {
  const age = flags.text("older-than");
  const before = Date.now() - (age === undefined ? 0 : readAge(age, "--older-than"));
  return listSessions(stateOf(context)).filter(
    (session) => !session.live && session.usedAtMs <= before && waitingLayers(session).length > 0,
  );
}

/** Only where somebody can answer: without a terminal nothing is ever asked. */
async function mayDiscard(what: string, context: CommandContext): Promise<boolean> {
  if (!canAsk(context)) return true;
  return /^y(es)?$/i.test(await ask(`Discard ${what}? It cannot be undone. [y/N] `, context));
}

async function discardOlder(flags: FlagValues, context: CommandContext): Promise<number> {
  const sessions = olderSessions(flags, context);
  if (sessions.length === 0) {
    context.stderr.write("workcell: no session has changes that wait and are that old\n");
    return 0;
  }
  if (!(await mayDiscard(`the changes of ${counted(sessions.length, "session")}`, context))) return 1;
  for (const session of sessions) await discardIn(session, [], context);
  return 0;
}

export const discard: Command = {
  name: "discard",
  summary: "forget a session's changes; the folder stays as it is",
  usage: "[FLAGS] [SESSION] [PATH...]",
  flags: [
    { name: "all", help: "the changes of all sessions that have any" },
    { name: "older-than", value: "AGE", help: "with --all: only sessions last used longer ago, like 7d" },
  ],
  example: "workcell discard --all --older-than 7d",
  async run(flags, words, context) {
    if (flags.has("all") && words.length > 0) {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot discard "${printable(words[0] ?? "")}" and all sessions at once`,
        remedy: "Leave the name out, or --all",
      });
    }
    if (flags.has("all")) return discardOlder(flags, context);
    if (flags.has("older-than")) {
      throw new WorkcellError("WC_USAGE", {
        message: "Cannot read --older-than without --all: one session is named, or the newest is meant",
        remedy: "Write: workcell discard --all --older-than 7d",
      });
    }
    const { name, paths } = readWords(words, context);
    const session = chooseSession(stateOf(context), name, "changes");
    const what =
      paths.length === 0 ? `all changes of session ${session.name}` : counted(paths.length, "path");
    if (!(await mayDiscard(what, context))) return 1;
    const count = await discardIn(session, paths, context);
    if (count === 0 && paths.length > 0) throw nothingThere(paths, session.name);
    return 0;
  },
};
