import { countChanged, isForward, type Step, shownPath } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { BytePath } from "../../model/index.ts";
import {
  findSession,
  finishSteps,
  type KnownSession,
  listSessions,
  namedSession,
  type ReviewInput,
  sessionSteps,
  waitingLayers,
} from "../../session/index.ts";
import type { CommandContext, FlagValues } from "../command.ts";
import { shownAge } from "./age.ts";
import { oppositeOf } from "./forward.ts";
import { counted } from "./say.ts";
import { isBelow, nothingThere } from "./select.ts";
import { bytePathIn, ifNear, pathsIn, readWords, stateOf } from "./words.ts";

/** What a person asked `diff`, `apply` or `discard` to work on. */
export interface Asked {
  readonly session: KnownSession;
  readonly input: ReviewInput;
  /** The words that are paths. */
  readonly paths: readonly string[];
  /** For a session's layer: which of the paths lie in it; undefined when none does. Without paths it is the whole. */
  select(layer: { readonly folder: string }): { readonly named: readonly BytePath[] } | undefined;
  /** The paths in a folder; undefined: all of it is meant. */
  below(folder: string): readonly BytePath[] | undefined;
  /** Throws WC_USAGE for a path in this folder at which none of these lies. */
  check(folder: string, changes: readonly { readonly path: BytePath }[]): void;
}

/** Says which steps an ended Workcell had left in the middle; `all` are the session's. */
export function sayRecovered(steps: readonly Step[], all: readonly Step[], { stderr }: CommandContext): void {
  for (const step of steps) {
    const { number, kind, folder, done = [] } = step;
    const failed = done.filter((one) => one.failed !== undefined);
    const what = kind === "undo" ? "undo" : "apply";
    const rest = failed.length === 0 ? "" : `, ${failed.length} left as they were`;
    stderr.write(
      `workcell: step ${number} (${what}) in ${printable(folder)} had been interrupted and is finished now: ${counted(countChanged(step, all), "path")}${rest}\n`,
    );
    for (const { path, failed: why = "" } of failed.slice(0, 5))
      stderr.write(`  left      ${shownPath(path)} (${printable(why)})\n`);
  }
}

/** For a person who finds nothing where they looked for changes: what became of the last ones. */
function sayNothing(context: CommandContext, name?: string): void {
  const state = stateOf(context);
  const found =
    name === undefined
      ? ifNear(findSession(state, "steps", context.cwd))?.session
      : namedSession(state, name);
  const steps = found === undefined ? [] : sessionSteps(found);
  const last = steps.at(-1);
  const which = name === undefined ? "no changes wait here" : `no changes wait in session ${name}`;
  const isApplied = last !== undefined && isForward(last, steps);
  const were = isApplied ? (last.kind === "undo" ? "last brought back" : "last applied") : "last undone";
  const rest =
    found === undefined || last === undefined
      ? ""
      : `; ${were} ${shownAge(Date.parse(last.time), Date.now())} ago, as step ${last.number}${name === undefined ? ` of ${found.name}` : ""}`;
  const canBeUndone = last?.kind === "undo" && last.forgotten !== true;
  const back = canBeUndone && found !== undefined ? `; ${oppositeOf(last, steps, found.name)}` : "";
  context.stderr.write(`workcell: ${which}${rest}${back}\n`);
  if (name === undefined) sayElsewhere(context);
}

/** In a folder of its own one is not shown what waits in others, and is told of it. */
function sayElsewhere(context: CommandContext): void {
  const elsewhere = findSession(stateOf(context), "changes", "/")?.session;
  const folder = elsewhere === undefined ? undefined : waitingLayers(elsewhere)[0]?.folder;
  if (elsewhere !== undefined && folder !== undefined)
    context.stderr.write(
      `workcell: changes of ${printable(folder)} wait in ${elsewhere.name}: workcell diff ${elsewhere.name}\n`,
    );
}

/** Others whose changes of the same folder wait: seen nowhere else, they would be forgotten. */
function sayOthers(others: readonly KnownSession[], { stderr }: CommandContext): void {
  const [first, ...more] = others;
  if (first === undefined) return;
  const rest = more.length === 0 ? "" : `, and ${more.length} more (workcell session list)`;
  stderr.write(
    `workcell: changes of this folder wait in ${first.name}, too (${shownAge(first.usedAtMs, Date.now())} ago)${rest}\n`,
  );
}

function mustLieSomewhere(paths: readonly string[], session: KnownSession, cwd: string): void {
  const folders = waitingLayers(session).map(({ folder }) => folder);
  const lost = paths.filter((word) =>
    folders.every((folder) => bytePathIn(word, folder, { cwd, folders }) === undefined),
  );
  if (lost.length === 0) return;
  throw new WorkcellError("WC_USAGE", {
    message: `${lost.map((one) => `"${printable(one)}"`).join(", ")} lies in no folder of which session "${session.name}" has changes: ${folders.map((one) => `"${printable(one)}"`).join(", ")}`,
    remedy: `Write the path as it is in that folder; see which there are: workcell diff ${session.name} --stat`,
  });
}

function choose(name: string | undefined, paths: readonly string[], context: CommandContext) {
  const state = stateOf(context);
  if (name !== undefined) return { session: namedSession(state, name), others: [] };
  const found = findSession(state, "changes", context.cwd);
  if (found !== undefined || paths.length === 0) return found;
  throw new WorkcellError("WC_USAGE", {
    message: `No changes wait here, and none at ${paths.map((one) => `"${printable(one)}"`).join(", ")}`,
    remedy: `${listSessions(state).length > 0 ? "See what was applied: workcell undo --list" : "Make some: workcell run -m . COMMAND"}`,
  });
}

/** Which of the words lie in this folder and no other: something must be there, and it is known before anything is done. */
function checkFolder(
  { paths, session, cwd }: { paths: readonly string[]; session: string; cwd: string },
  folders: readonly string[],
  at: { readonly folder: string; readonly changes: readonly { readonly path: BytePath }[] },
): void {
  const standing = { cwd, folders };
  const isOnlyHere = (word: string) =>
    folders.every((folder) => (bytePathIn(word, folder, standing) !== undefined) === (folder === at.folder));
  const lost = paths.filter((word) => {
    const place = bytePathIn(word, at.folder, standing);
    return place !== undefined && isOnlyHere(word) && !at.changes.some(isBelow([place]));
  });
  if (lost.length > 0) throw nothingThere(lost, session);
}

/**
 * Reads what is asked for, finishes what was interrupted, and says what a person should know beforehand. Undefined when
 * nothing waits, which is said. `acts`: it is not only shown.
 */
export async function readAsked(
  flags: FlagValues,
  { words, acts = false }: { readonly words: readonly string[]; readonly acts?: boolean },
  context: CommandContext,
): Promise<Asked | undefined> {
  const { name, paths } = readWords(words, flags, context);
  const chosen = choose(name, paths, context);
  const found = acts && paths.length === 0 ? ifNear(chosen) : chosen;
  if (found === undefined) {
    sayNothing(context);
    return undefined;
  }
  const { session, others } = found;
  const input = { state: stateOf(context), installation: context.installation, session };
  const finished = await finishSteps(input);
  if (finished.length > 0) sayRecovered(finished, sessionSteps(session), context);
  const folders = waitingLayers(session).map(({ folder }) => folder);
  if (folders.length === 0) {
    sayNothing(context, session.name);
    return undefined;
  }
  mustLieSomewhere(paths, session, context.cwd);
  sayOthers(others, context);
  const { cwd } = context;
  const below = (folder: string) =>
    paths.length === 0 ? undefined : pathsIn(paths, folder, { cwd, folders });
  return {
    ...{ session, input, paths, below },
    select: ({ folder }) => {
      const named = below(folder);
      return named?.length === 0 ? undefined : { named: named ?? [] };
    },
    check: (folder, changes) =>
      checkFolder({ paths, session: session.name, cwd }, folders, { folder, changes }),
  };
}

/** Says after all layers were worked on that nothing was found, or refuses the paths that name nothing. */
export function sayIfNothing(count: number, { paths, session }: Asked, context: CommandContext): void {
  if (count > 0) return;
  if (paths.length > 0) throw nothingThere(paths, session.name);
  sayNothing(context, session.name);
}
