import {
  countChanged,
  isWithin,
  type ListedStep,
  listSteps,
  type Step,
  type StepResult,
  shownSize,
} from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { BytePath } from "../../model/index.ts";
import {
  findSession,
  finishSteps,
  isUndoable,
  type KnownSession,
  namedSession,
  openStep,
  sessionSteps,
  stepSpace,
  stepsOf,
  type Wanted,
} from "../../session/index.ts";
import { shownAge } from "../changes/age.ts";
import { sayRecovered } from "../changes/asked.ts";
import { broughtBackBy, oppositeOf } from "../changes/forward.ts";
import { counted, leftLines } from "../changes/say.ts";
import { keepWithinDisk } from "../changes/within-disk.ts";
import { ifNear, pathsIn, readWords, sessionFlag, stateOf, type Words } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

function cannotUndo(session: KnownSession, found: string): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot undo in session "${session.name}": ${found}`,
    remedy: `See which steps there are: workcell undo ${session.name} --list`,
  });
}

/** The sessions that are looked at, the one that is meant first, and others that applied to the same folder. */
function candidates(
  { name, paths }: Words,
  wanted: Wanted,
  context: CommandContext,
): readonly KnownSession[] {
  const state = stateOf(context);
  if (name !== undefined) return [namedSession(state, name)];
  const any = findSession(state, wanted, context.cwd);
  const found = wanted === "undoable" && paths.length === 0 ? ifNear(any) : any;
  if (found !== undefined) return [found.session, ...found.others];
  throw new WorkcellError("WC_SESSION", {
    message:
      wanted === "steps"
        ? "Nothing was applied here"
        : "Nothing that was applied here can be undone any more",
    remedy:
      wanted === "steps"
        ? "See what waits: workcell session list"
        : "See what was done, by session: workcell session list, workcell undo --list",
  });
}

/** The session with the step of that number: one that can be undone before one that was, which brings back what an undo took. */
function withNumber(asked: string, context: CommandContext): readonly KnownSession[] {
  const state = stateOf(context);
  const known = (["undoable", "steps"] as const)
    .map((wanted) => ifNear(findSession(state, wanted, context.cwd)))
    .flatMap((found) => (found === undefined ? [] : [found.session, ...found.others]));
  const has = (session: KnownSession) => sessionSteps(session).some(({ number }) => String(number) === asked);
  const found = known.find(has);
  if (found !== undefined) return [found];
  return known.length > 0 ? known : candidates({ paths: [] }, "undoable", context);
}

interface Chosen {
  readonly session: KnownSession;
  readonly step: Step;
  /** Undefined: all of it. */
  readonly only?: readonly BytePath[];
}

/** The paths of the person's that a step concerns. */
function concerned(step: Step, paths: readonly string[], cwd: string): readonly BytePath[] {
  const { folder, operations, undone = [] } = step;
  return pathsIn(paths, folder, { cwd, folders: [folder] }).filter((one) =>
    operations.some(
      ({ path: place }) => (isWithin(place, one) || isWithin(one, place)) && !undone.includes(place),
    ),
  );
}

function chooseNumbered(session: KnownSession, asked: string): Step {
  const step = sessionSteps(session).find(({ number }) => String(number) === asked);
  if (step === undefined) throw cannotUndo(session, `there is no step "${printable(asked)}"`);
  return step;
}

function undoableOf(session: KnownSession): readonly Step[] {
  const steps = sessionSteps(session);
  return steps.filter((step) => isUndoable(step, steps));
}

const newestFirst = ({ step: one }: Chosen, { step: other }: Chosen): number =>
  Date.parse(other.time) - Date.parse(one.time) || other.number - one.number;

/** The newest step that can be undone and, where paths are named, concerns one of them. */
function chooseStep(
  sessions: readonly [KnownSession, ...KnownSession[]],
  paths: readonly string[],
  { flags, cwd }: { readonly flags: FlagValues; readonly cwd: string },
): Chosen {
  const asked = flags.text("step");
  const [first] = sessions;
  const steps: readonly Chosen[] =
    asked === undefined
      ? sessions
          .flatMap((session) => undoableOf(session).map((step) => ({ session, step })))
          .sort(newestFirst)
      : [{ session: first, step: chooseNumbered(first, asked) }];
  if (paths.length === 0) {
    const [newest] = steps;
    if (newest === undefined) throw cannotUndo(first, "it has no step that can be undone");
    return newest;
  }
  for (const chosen of steps) {
    const only = concerned(chosen.step, paths, cwd);
    if (only.length > 0) return { ...chosen, only };
  }
  const names = paths.map((one) => `"${printable(one)}"`).join(", ");
  throw cannotUndo(first, `no step that can be undone did anything at ${names}`);
}

const columnsOf = (step: ListedStep, now: number): string =>
  [
    String(step.number).padStart(4),
    (step.kind === "undo" ? `undo of ${step.of}` : "apply").padEnd(10),
    `${shownAge(Date.parse(step.time), now)} ago`.padStart(10),
    counted(step.changes, "path").padStart(10),
    shownSize(step.keptBytes).padStart(9),
    printable(step.folder),
  ].join("  ");

const undoneWords = { none: [], part: ["partly undone"], all: ["undone"] } as const;

/** What there is to undo, and what it takes of what the session may take on the disk. */
function listAll(session: KnownSession, { stdout, stderr }: CommandContext): number {
  const now = Date.now();
  const all = sessionSteps(session);
  const steps = listSteps(stepsOf(session.folder));
  for (const step of steps) {
    const whole = all.find(({ number }) => number === step.number);
    const again = whole && step.kind === "apply" ? broughtBackBy(whole, all) : undefined;
    const remarks = [
      ...(step.isDone ? [] : ["interrupted"]),
      ...(step.kind === "apply" ? undoneWords[step.undone] : []),
      ...(again === undefined ? [] : [`brought back by ${again.number}`]),
    ];
    stdout.write(`${columnsOf(step, now)}${remarks.length === 0 ? "" : `  (${remarks.join(", ")})`}\n`);
  }
  const given = all.length - steps.length;
  if (given > 0)
    stderr.write(
      `workcell: ${counted(given, "older step")} cannot be undone any more: what ${given === 1 ? "it" : "they"} kept is given up\n`,
    );
  const { keptBytes, quotaBytes } = stepSpace(session);
  const most = quotaBytes === undefined ? "as much as the host has" : shownSize(quotaBytes);
  stderr.write(
    `workcell: kept for undo: ${shownSize(keptBytes)}; in all, session ${session.name} may take ${most} on the disk\n`,
  );
  return 0;
}

function sayUndone(
  { session, step }: Chosen,
  { step: undo, left }: StepResult,
  { stdout }: CommandContext,
): void {
  if (undo !== undefined) {
    const all = sessionSteps(session);
    const count = countChanged(undo, all);
    // One of which nothing could be done has nothing to bring back.
    if (count > 0)
      stdout.write(
        `Undid ${counted(count, "change")} of step ${step.number} in ${printable(step.folder)} (step ${undo.number})\n` +
          `  ${oppositeOf(undo, all, session.name)}\n`,
      );
  }
  if (left.length > 0) stdout.write(`Left ${counted(left.length, "path")} as found:\n${leftLines(left)}`);
}

async function undoStep(flags: FlagValues, words: Words, context: CommandContext): Promise<number> {
  const { name, paths } = words;
  const asked = flags.text("step");
  const [first, ...others] =
    asked === undefined || name !== undefined
      ? candidates(words, "undoable", context)
      : withNumber(asked, context);
  if (first === undefined) return 0;
  const base = { state: stateOf(context), installation: context.installation };
  const finished = await finishSteps({ ...base, session: first }, { everywhere: true });
  if (finished.length > 0) sayRecovered(finished, sessionSteps(first), context);
  const chosen = chooseStep([first, ...others], paths, { flags, cwd: context.cwd });
  const { session, step, only } = chosen;
  const result = await openStep({ ...base, session }, step, (open) => open.undo(step.number, only));
  sayUndone(chosen, result, context);
  const made = result.step === undefined ? [] : [result.step.number];
  await keepWithinDisk({ ...base, session }, made, context);
  const isAll = result.step === undefined && result.left.length === 0;
  const what = isAll ? "all" : "part";
  const isRest = (isAll || only === undefined) && sayUndoneBefore(chosen, what, context);
  return result.left.length === 0 && !isRest ? 0 : 1;
}

/** What was undone and brought back is a step of its own, and no part of this one any more. True: there is such. */
function sayUndoneBefore(
  { session, step }: Chosen,
  what: "all" | "part",
  { stderr }: CommandContext,
): boolean {
  const steps = sessionSteps(session);
  const again = broughtBackBy(step, steps);
  if (what === "part" && again === undefined) return false;
  const rest =
    again === undefined
      ? ""
      : `, and brought back by step ${again.number}; ${oppositeOf(again, steps, session.name)}`;
  stderr.write(`workcell: ${what} of step ${step.number} had been undone before${rest}\n`);
  return again !== undefined;
}

export const undo: Command = {
  name: "undo",
  summary: "take back what was applied to a folder, as a whole or by path",
  usage: "[FLAGS] [SESSION] [PATH...]",
  notes: [
    "Each apply is a step, and so is each undo. SESSION is where the newest step is that can be undone, when none is named; in a connected folder the newest of that folder.",
  ],
  flags: [
    {
      name: "step",
      value: "N",
      help: "which step; an undo is one too, and undone it brings back what it took. Else the newest apply that is not undone",
    },
    { name: "list", help: "list the session's steps, with what each keeps" },
    sessionFlag,
  ],
  example: "workcell undo src/main.ts",
  async run(flags, words, context) {
    const asked = readWords(words, flags, context);
    if (!flags.has("list")) return undoStep(flags, asked, context);
    const [session] = candidates(asked, "steps", context);
    return session === undefined ? 0 : listAll(session, context);
  },
};
