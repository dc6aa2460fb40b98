import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { glanceSteps, isForward, isOpenStep, readSteps, type Step } from "../changes/index.ts";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { isInside } from "../lib/is-inside.ts";
import { countChanges } from "./count-changes.ts";
import { type Layer, pendingLayers } from "./layer-record.ts";
import { isSessionLive } from "./marker.ts";
import { sessionNamePattern } from "./names.ts";

/** A session of which something is left on the disk. */
export interface KnownSession {
  readonly name: string;
  /** Its records. */
  readonly folder: string;
  /** When a cell of it was last started or ended, in ms since 1970. */
  readonly usedAtMs: number;
  /** A cell of it runs at this moment. */
  readonly live: boolean;
  /** It can be opened again by its name. */
  readonly open: boolean;
}

/** The native program that works on files. */
export const cellfilesOf = (installation: string): string => path.join(installation, "native/cellfiles");

export const stepsOf = (folder: string): string => path.join(folder, "steps");

function namesIn(sessions: string): readonly string[] {
  try {
    return readdirSync(sessions).filter((name) => sessionNamePattern.test(name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** That somebody looked at its changes is no use of a session, and must not make it the newest. */
function lastUse(folder: string): number {
  const cells = statSync(path.join(folder, "cells"), { throwIfNoEntry: false });
  return (cells ?? statSync(folder, { throwIfNoEntry: false }))?.mtimeMs ?? 0;
}

/** All sessions that left something, the one last used first. `state` is Workcell's state folder. */
export function listSessions(state: string): readonly KnownSession[] {
  const sessions = path.join(state, "sessions");
  return namesIn(sessions)
    .map((name) => {
      const folder = path.join(sessions, name);
      const open = existsSync(path.join(folder, "home"));
      return { name, folder, usedAtMs: lastUse(folder), live: isSessionLive(state, name), open };
    })
    .filter(({ usedAtMs }) => usedAtMs > 0)
    .sort((one, other) => other.usedAtMs - one.usedAtMs);
}

/** The layers of a session in which something waits. Throws WC_SESSION when one cannot be read. */
export function waitingLayers({ folder }: KnownSession): readonly Layer[] {
  return existsSync(path.join(folder, "layers")) ? pendingLayers(folder) : [];
}

/** All steps of a session, the oldest first. Throws WC_FILES when one cannot be read. */
export const sessionSteps = ({ folder }: KnownSession): readonly Step[] => readSteps(stepsOf(folder));

/** A Workcell was ended in the middle of it, or a part of it could not be reached. */
const isUnfinished = (step: Step): boolean => step.state !== "done" || isOpenStep(step);

/** Those that are not at their end. */
export const openSteps = (session: KnownSession): readonly Step[] =>
  glanceSteps(stepsOf(session.folder)).some(({ mayBeOpen }) => mayBeOpen)
    ? sessionSteps(session).filter(isUnfinished)
    : [];

/** What other sessions did to a folder; records that are damaged say nothing. */
export function stepsElsewhere(
  { state, session }: { readonly state: string; readonly session: KnownSession },
  folder: string,
): readonly { readonly session: string; readonly steps: readonly Step[] }[] {
  return listSessions(state)
    .filter((other) => other.name !== session.name)
    .filter((other) => glanceSteps(stepsOf(other.folder)).some((step) => step.folder === folder))
    .map((other) => ({ session: other.name, steps: readOr(() => sessionSteps(other), []) }));
}

/** What damaged records say nothing of; whoever works on that session is told. */
export function readOr<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WorkcellError) return fallback;
    throw error;
  }
}

/** A step that did something, of which not all is taken back, and that is not forgotten. */
export function isStanding({ operations, forgotten, undone = [], done = [] }: Step): boolean {
  const failed = done.flatMap((one) => (one.failed === undefined ? [] : [one.path]));
  const gone = new Set([...undone, ...failed]);
  return forgotten !== true && operations.some(({ path: place }) => !gone.has(place));
}

/** One that put what a session had changed into the folder, where it stands still: an apply, or the undo of an undo. */
export const isUndoable = (step: Step, steps: readonly Step[]): boolean =>
  isStanding(step) && isForward(step, steps);

/** What a session is looked for: changes that wait, a step that can be undone, or any step. */
export type Wanted = "changes" | "undoable" | "steps";

/** The folders in which a session has what is wanted. */
function foldersWith(session: KnownSession, wanted: Wanted): readonly string[] {
  if (wanted === "changes") {
    const waiting = readOr(() => waitingLayers(session), []);
    return [...waiting, ...readOr(() => openSteps(session), [])].map(({ folder }) => folder);
  }
  if (wanted === "steps") return glanceSteps(stepsOf(session.folder)).map(({ folder }) => folder);
  const steps = readOr(() => sessionSteps(session), []);
  return steps.filter((step) => isUnfinished(step) || isUndoable(step, steps)).map(({ folder }) => folder);
}

/** The session of that name. Throws WC_SESSION. */
export function namedSession(state: string, name: string): KnownSession {
  const found = listSessions(state).find((session) => session.name === name);
  if (found !== undefined) return found;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot find session "${name}": there is no such session`,
    remedy: "See which there are: workcell session list",
  });
}

/** What was found when no session was named. */
export interface Found {
  readonly session: KnownSession;
  /** Others that have what is wanted in the same folders. */
  readonly others: readonly KnownSession[];
  /** A folder of it, where none of them is the one that the person is in, around it or below it. */
  readonly elsewhere?: string;
}

/**
 * The session that is meant when none is named: of those that have what is wanted the last used one whose cells are at rest.
 * Where the person is in a folder that sessions know, only what is of that folder counts: nobody means another one then.
 * Else what is of folders below comes first, and what is of others is said to be elsewhere.
 * Undefined when there is none.
 */
export function findSession(state: string, wanted: Wanted, cwd: string): Found | undefined {
  const all = listSessions(state);
  const having = all.flatMap((session) => {
    const folders = foldersWith(session, wanted);
    return folders.length === 0 ? [] : [{ session, folders }];
  });
  const here = having.filter(({ folders }) => folders.some((folder) => isInside(cwd, folder)));
  const isKnown = () => all.some((session) => knownFolders(session).some((folder) => isInside(cwd, folder)));
  const below = having.filter(({ folders }) => folders.some((folder) => isInside(folder, cwd)));
  const near = here.length > 0 ? here : isKnown() ? [] : below.length > 0 ? below : having;
  const best = near.find(({ session }) => !session.live) ?? near[0];
  if (best === undefined) return undefined;
  const others = having.filter(
    ({ session, folders }) =>
      session.name !== best.session.name && folders.some((folder) => best.folders.includes(folder)),
  );
  const [folder] = best.folders;
  return {
    session: best.session,
    others: others.map(({ session }) => session),
    ...(near === having && !below.includes(best) && folder !== undefined && { elsewhere: folder }),
  };
}

const knownFolders = (session: KnownSession): readonly string[] => [
  ...foldersWith(session, "changes"),
  ...foldersWith(session, "steps"),
];

/** True for a word that names a session there is. */
export function isSession(state: string, word: string): boolean {
  return sessionNamePattern.test(word) && existsSync(path.join(state, "sessions", word));
}

/** How many changes wait, each path one. Damaged records count as one. `installation` is where Workcell's programs are. */
export function countWaiting(session: KnownSession, installation?: string): number {
  const cellfiles = installation === undefined ? undefined : cellfilesOf(installation);
  const countIn = ({ layerFolder }: Layer) => Math.max(1, countChanges(layerFolder, cellfiles));
  return readOr(() => waitingLayers(session).reduce((sum, layer) => sum + countIn(layer), 0), 1);
}
