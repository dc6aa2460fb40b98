import { shownSize } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import {
  countWaiting,
  forgetOld,
  type KnownSession,
  listSessions,
  namedSession,
  openSteps,
  readOr,
  removeSession,
  sessionBytes,
  sessionSteps,
  stopSession,
  waitingLayers,
} from "../../session/index.ts";
import { readAge, shownAge } from "../changes/age.ts";
import { counted } from "../changes/say.ts";
import { stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { columns } from "../render/columns.ts";
import { shownFlags } from "../session/kept-flags.ts";

interface Row {
  readonly name: string;
  readonly state: "running" | "open" | "waiting" | "ended" | "damaged";
  readonly usedAt: string;
  readonly changes: number;
  /** Whose undo is kept. */
  readonly steps: number;
  /** What they keep. */
  readonly stepBytes: number;
  /** All of it, steps included. */
  readonly bytes: number;
  readonly folders: readonly string[];
}

/** Its layers and steps as they are read for work on them. Throws WC_SESSION or WC_FILES for what is damaged. */
const readAll = (session: KnownSession) => [waitingLayers(session), sessionSteps(session)];

function stateWord(session: KnownSession): Row["state"] {
  if (session.live) return "running";
  if (readOr(() => readAll(session), undefined) === undefined) return "damaged";
  if (session.open) return "open";
  return waitingLayers(session).length > 0 || openSteps(session).length > 0 ? "waiting" : "ended";
}

function rowOf(session: KnownSession, { installation }: CommandContext): Row {
  const layers = readOr(() => waitingLayers(session), []);
  const steps = readOr(() => sessionSteps(session), []);
  const bytes = sessionBytes(session);
  return {
    name: session.name,
    state: stateWord(session),
    usedAt: new Date(session.usedAtMs).toISOString(),
    changes: countWaiting(session, installation),
    // Of others only that they were is kept.
    steps: steps.filter(({ forgotten }) => forgotten !== true).length,
    stepBytes: bytes.steps,
    bytes: bytes.all,
    folders: [...new Set([...layers, ...steps].map(({ folder }) => folder))],
  };
}

function cellsOf({ name, state, usedAt, changes, steps, stepBytes, bytes, folders }: Row, now: number) {
  return [
    name,
    state,
    `${shownAge(Date.parse(usedAt), now)} ago`,
    changes === 0 ? "" : `${changes}`,
    steps === 0 ? "" : `${steps} (${shownSize(stepBytes)})`,
    shownSize(bytes),
    folders.map(printable).join(", "),
  ];
}

function show(rows: readonly Row[], context: CommandContext): void {
  const now = Date.now();
  const head = ["SESSION", "STATE", "USED", "CHANGES", "STEPS", "SIZE", "FOLDER"];
  context.stdout.write(columns([head, ...rows.map((row) => cellsOf(row, now))]));
}

/** Records of runs that left nothing are of no use to a person; `--all` shows them. */
const isOfUse = ({ state, steps }: Row): boolean => state !== "ended" || steps > 0;

function list(flags: FlagValues, context: CommandContext): number {
  const rows = listSessions(stateOf(context))
    .map((session) => rowOf(session, context))
    .filter((row) => flags.has("all") || isOfUse(row));
  if (flags.has("json"))
    context.stdout.write(`${JSON.stringify({ schema: "workcell.sessions/1", sessions: rows })}\n`);
  else if (rows.length === 0)
    context.stderr.write("workcell: no session is open, runs, has changes that wait or steps to undo\n");
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
  return namedSession(stateOf(context), name);
}

function showOne(words: readonly string[], flags: FlagValues, context: CommandContext): number {
  const session = chosen(words, context);
  const row = rowOf(session, context);
  if (flags.has("json")) {
    context.stdout.write(`${JSON.stringify({ schema: "workcell.session/1", ...row })}\n`);
    return 0;
  }
  const made = shownFlags(session.folder);
  const next = [
    ...(made.length > 0 ? [`  made with: ${made.join(" ")}\n`] : []),
    ...(row.changes > 0 ? [`  to see its changes: workcell diff ${row.name}\n`] : []),
    ...(row.steps > 0 ? [`  to see its steps: workcell undo ${row.name} --list\n`] : []),
  ];
  show([row], context);
  context.stdout.write(next.join(""));
  // What is damaged, and what can be saved from it.
  if (row.state === "damaged") readAll(session);
  return 0;
}

/** What a person would miss. */
function whatIsIn(session: KnownSession, { installation }: CommandContext): string | undefined {
  const open = readOr(() => openSteps(session), []);
  if (open.length > 0) return `step ${open[0]?.number} of it was interrupted, and has to be finished first`;
  const changes = countWaiting(session, installation);
  return changes > 0
    ? `${counted(changes, "change")} wait${changes === 1 ? "s" : ""} in it, and none may`
    : undefined;
}

function remove(words: readonly string[], flags: FlagValues, context: CommandContext): number {
  const session = chosen(words, context);
  const found = whatIsIn(session, context);
  if (found !== undefined && !flags.has("force")) {
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot remove session "${session.name}": ${found}`,
      remedy: `Look first: workcell diff ${session.name}; or give it all up: workcell session rm ${session.name} --force`,
    });
  }
  const steps = readOr(() => sessionSteps(session), []).length;
  removeSession(stateOf(context), session);
  const gone = steps === 0 ? "" : `, and what ${counted(steps, "step")} kept for undo`;
  context.stdout.write(`Removed session ${session.name}${gone}\n`);
  return 0;
}

async function stop(words: readonly string[], context: CommandContext): Promise<number> {
  const session = chosen(words, context);
  const count = await stopSession(stateOf(context), session);
  context.stdout.write(
    count === 0
      ? `No cell of session ${session.name} runs\n`
      : `Ended ${counted(count, "command")} of session ${session.name}\n`,
  );
  return 0;
}

async function collect(flags: FlagValues, context: CommandContext): Promise<number> {
  const age = flags.text("older-than") ?? "30d";
  const before = Date.now() - readAge(age, "--older-than");
  const { sessions, steps, bytes } = await forgetOld(
    { state: stateOf(context), installation: context.installation },
    before,
  );
  if (sessions + steps === 0)
    context.stdout.write(`Nothing to forget: nothing that has ended is older than ${age}\n`);
  else
    context.stdout.write(
      `Forgot ${counted(sessions, "session")} and what ${counted(steps, "step")} kept for undo, older than ${age}: ${shownSize(bytes)}\n`,
    );
  return 0;
}

export const session: Command = {
  name: "session",
  summary: "list, show, make, enter, stop, export and remove sessions",
  usage: "list | show | create | exec | stop | export | rm | gc",
  flags: [
    { name: "all", help: "list: the records of ended runs too" },
    { name: "force", help: "rm: also when changes wait" },
    { name: "older-than", value: "AGE", help: "gc: of this age; 30d when not said" },
    { name: "json", help: "list, show: print as JSON" },
  ],
  notes: [
    "A session is what stays of a command: its name, changes to your folders that wait, and steps that can be undone; of one that you name (workcell run --session NAME) the home too.",
  ],
  parts: [
    { name: "list", help: "sessions that run, or have something that waits or can be undone" },
    { name: "show NAME", help: "one of them, with the flags that it was made with" },
    { name: "create NAME", help: "make one that stays, with the flags of run" },
    { name: "exec NAME CMD", help: "a further command in one that runs: -t, -e NAME=V, -w DIR, --cell ID" },
    { name: "stop NAME", help: "end its commands" },
    {
      name: "export NAME FOLDER",
      help: "write its records and conversations to a new folder, with --home its home too",
    },
    { name: "rm NAME", help: "take one away with all that is in it" },
    { name: "gc", help: "forget ended sessions, and what steps keep for undo" },
  ],
  example: "workcell session list",
  async run(flags, words, context) {
    const [verb = "list", ...rest] = words;
    if (verb === "list" && rest.length === 0) return list(flags, context);
    if (verb === "show") return showOne(rest, flags, context);
    if (verb === "rm") return remove(rest, flags, context);
    if (verb === "stop") return stop(rest, context);
    if (verb === "gc" && rest.length === 0) return collect(flags, context);
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot do "${printable(words.join(" "))}" with sessions: it must be list, show NAME, create NAME, exec NAME CMD, stop NAME, export NAME FOLDER, rm NAME or gc`,
      remedy: "See: workcell session --help",
    });
  },
};
