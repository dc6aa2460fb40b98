import { shownSize } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import {
  chooseSession,
  countWaiting,
  doneSteps,
  type KnownSession,
  listSessions,
  removeSession,
  sessionBytes,
  waitingLayers,
} from "../../session/index.ts";
import { shownAge } from "../changes/age.ts";
import { counted } from "../changes/say.ts";
import { stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

interface Row {
  readonly name: string;
  readonly state: "running" | "open" | "waiting" | "ended";
  readonly usedAt: string;
  readonly changes: number;
  readonly steps: number;
  readonly bytes: number;
  readonly folders: readonly string[];
}

function rowOf(session: KnownSession): Row {
  const layers = waitingLayers(session);
  const rest = session.open ? "open" : layers.length > 0 ? "waiting" : "ended";
  return {
    name: session.name,
    state: session.live ? "running" : rest,
    usedAt: new Date(session.usedAtMs).toISOString(),
    changes: countWaiting(session),
    steps: doneSteps(session).length,
    bytes: sessionBytes(session),
    folders: layers.map(({ folder }) => folder),
  };
}

function show(rows: readonly Row[], context: CommandContext): void {
  const now = Date.now();
  for (const { name, state, usedAt, changes, steps, bytes, folders } of rows) {
    const what = [
      ...(changes > 0 ? [`${counted(changes, "change")} waiting`] : []),
      ...(steps > 0 ? [counted(steps, "step")] : []),
      shownSize(bytes),
      ...folders.map(printable),
    ].join("  ");
    const age = `${shownAge(Date.parse(usedAt), now)} ago`;
    context.stdout.write(`${name.padEnd(28)}  ${state.padEnd(7)}  ${age.padStart(10)}  ${what}\n`);
  }
}

/** Records of runs that left nothing are of no use to a person; `--all` shows them. */
const isOfUse = ({ state, steps }: Row): boolean => state !== "ended" || steps > 0;

function list(flags: FlagValues, context: CommandContext): number {
  const rows = listSessions(stateOf(context))
    .map(rowOf)
    .filter((row) => flags.has("all") || isOfUse(row));
  if (flags.has("json"))
    context.stdout.write(`${JSON.stringify({ schema: "workcell.sessions/1", sessions: rows })}\n`);
  else if (rows.length === 0)
    context.stderr.write("workcell: no session is open, runs, or has changes that wait\n");
  else show(rows, context);
  return 0;
}

function chosen(words: readonly string[], context: CommandContext): KnownSession {
  const [name, more] = words;
  if (name === undefined || more !== undefined) {
    throw new WorkcellError("WC_USAGE", {
      message:
        name === undefined
          ? "No session is named, and one is needed"
          : `"${printable(more ?? "")}" is one word too many`,
      remedy: "See which there are: workcell session list",
    });
  }
  return chooseSession(stateOf(context), name, "changes");
}

function showOne(words: readonly string[], flags: FlagValues, context: CommandContext): number {
  const row = rowOf(chosen(words, context));
  if (flags.has("json"))
    context.stdout.write(`${JSON.stringify({ schema: "workcell.session/1", ...row })}\n`);
  else show([row], context);
  return 0;
}

function remove(words: readonly string[], flags: FlagValues, context: CommandContext): number {
  const session = chosen(words, context);
  const changes = countWaiting(session);
  if (changes > 0 && !flags.has("force")) {
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot remove session "${session.name}": ${counted(changes, "change")} wait in it, and none may`,
      remedy: `Look at them first: workcell diff ${session.name}; or give them up: workcell session rm ${session.name} --force`,
    });
  }
  removeSession(stateOf(context), session);
  context.stdout.write(`Removed session ${session.name}\n`);
  return 0;
}

const verbs = ["list", "show", "rm"] as const;

export const session: Command = {
  name: "session",
  summary: "list, show and remove sessions",
  usage: "list | show NAME | rm NAME [FLAGS]",
  flags: [
    { name: "all", help: "list the records of ended runs too" },
    { name: "force", help: "remove a session whose changes wait" },
    { name: "json", help: "print sessions as JSON" },
  ],
  example: "workcell session list",
  async run(flags, words, context) {
    const [verb = "list", ...rest] = words;
    if (verb === "list" && rest.length === 0) return list(flags, context);
    if (verb === "show") return showOne(rest, flags, context);
    if (verb === "rm") return remove(rest, flags, context);
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot do "${printable(words.join(" "))}" with sessions: it must be ${verbs.join(", ")}`,
      remedy: "See: workcell session --help",
    });
  },
};
