import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import {
  dropLostLayers,
  type KnownSession,
  listSessions,
  type ReviewInput,
  readOr,
  reviewSession,
  waitingLayers,
} from "../../session/index.ts";
import { readAge } from "../changes/age.ts";
import { ask, canAsk } from "../changes/ask.ts";
import { type Asked, readAsked, sayIfNothing, sayRecovered } from "../changes/asked.ts";
import { counted } from "../changes/say.ts";
import { isBelow, selectChanges } from "../changes/select.ts";
import { sessionFlag, sessionNote, stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

type Discarding = Pick<Asked, "input" | "select" | "below" | "check">;

async function discardIn(asked: Discarding, context: CommandContext): Promise<number> {
  const { name } = asked.input.session;
  const counts = await reviewSession(asked.input, asked.select, async (open, { folder }) => {
    sayRecovered(open.recovered, open.steps, context);
    asked.check(folder, open.changes);
    const below = asked.below(folder);
    // New folders above a path stay: other changes may be in them.
    const isMeant = below === undefined ? () => true : isBelow(below);
    const selected = selectChanges(open.changes, below).filter(isMeant);
    await open.discard(selected);
    if (selected.length > 0)
      context.stdout.write(
        `Discarded ${counted(selected.length, "change")} of ${printable(folder)} in session ${name}\n`,
      );
    return selected.length;
  });
  return counts.reduce((sum, one) => sum + one, 0);
}

/** All of a session; what is of a folder that is gone, too. */
async function discardWhole(input: ReviewInput, context: CommandContext): Promise<number> {
  const lost = await dropLostLayers(input);
  for (const folder of lost)
    context.stdout.write(
      `Discarded the changes of ${printable(folder)}, which is gone, in session ${input.session.name}\n`,
    );
  const whole = { input, select: () => ({ named: [] }), below: () => undefined, check: () => {} };
  return lost.length + (await discardIn(whole, context));
}

function olderSessions(flags: FlagValues, context: CommandContext): readonly KnownSession[] {
  const age = flags.text("older-than");
  const before = Date.now() - (age === undefined ? 0 : readAge(age, "--older-than"));
  return listSessions(stateOf(context)).filter(
    (session) =>
      !session.live && session.usedAtMs <= before && readOr(() => waitingLayers(session).length > 0, false),
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
    const rest = flags.has("older-than") ? " and is that old" : "";
    context.stderr.write(`workcell: no session has changes that wait${rest}\n`);
    return 0;
  }
  if (!(await mayDiscard(`the changes of ${counted(sessions.length, "session")}`, context))) return 1;
  for (const session of sessions)
    await discardWhole({ state: stateOf(context), installation: context.installation, session }, context);
  return 0;
}

function checkFlags(flags: FlagValues, words: readonly string[]): void {
  if (flags.has("all") && (words.length > 0 || flags.has("session"))) {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot discard "${printable(words[0] ?? flags.text("session") ?? "")}" and all sessions at once`,
      remedy: "Leave the name out, or --all",
    });
  }
  if (flags.has("older-than") && !flags.has("all")) {
    throw new WorkcellError("WC_USAGE", {
      message: "Cannot read --older-than without --all: one session is named, or the newest is meant",
      remedy: "Write: workcell discard --all --older-than 7d",
    });
  }
}

export const discard: Command = {
  name: "discard",
  summary: "forget a session's changes; the folder stays as it is",
  usage: "[FLAGS] [SESSION] [PATH...]",
  notes: [sessionNote],
  flags: [
    { name: "all", help: "the changes of all sessions that have any" },
    { name: "older-than", value: "AGE", help: "with --all: only sessions last used longer ago, like 7d" },
    sessionFlag,
  ],
  example: "workcell discard --all --older-than 7d",
  async run(flags, words, context) {
    checkFlags(flags, words);
    if (flags.has("all")) return discardOlder(flags, context);
    const asked = await readAsked(flags, { words, acts: true }, context);
    if (asked === undefined) return 0;
    const { session, paths } = asked;
    const what =
      paths.length === 0
        ? `all changes of session ${session.name} (${[...new Set(waitingLayers(session).map(({ folder }) => printable(folder)))].join(", ")})`
        : `what session ${session.name} has at ${paths.map(printable).join(", ")}`;
    if (!(await mayDiscard(what, context))) return 1;
    const count = await (paths.length === 0 ? discardWhole(asked.input, context) : discardIn(asked, context));
    sayIfNothing(count, asked, context);
    return 0;
  },
};
