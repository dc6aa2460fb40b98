import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { readSteps, type Step } from "../changes/index.ts";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { type Layer, pendingLayers } from "./layer-record.ts";
import { countChanges } from "./layers.ts";
import { isSessionLive } from "./marker.ts";
import { sessionNamePattern } from "./names.ts";
import { withSessionLock } from "./session-lock.ts";
import { forgetSession } from "./store.ts";
import { takeAway } from "./take-away.ts";

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

export const stepsOf = (folder: string): string => path.join(folder, "steps");

function namesIn(sessions: string): readonly string[] {
  try {
    return readdirSync(sessions).filter((name) => sessionNamePattern.test(name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function lastUse(folder: string): number {
  const parts = ["", "cells", "layers", "steps"].map((part) => path.join(folder, part));
  return Math.max(...parts.map((part) => statSync(part, { throwIfNoEntry: false })?.mtimeMs ?? 0));
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
    .sort((one, other) => other.usedAtMs - one.usedAtMs);
}

/** The layers of a session in which something waits; a layer that cannot be read is said when it is worked on. */
export function waitingLayers({ folder }: KnownSession): readonly Layer[] {
  return existsSync(path.join(folder, "layers")) ? pendingLayers(folder) : [];
}

/** The steps of a session that were carried out, the oldest first. */
export const doneSteps = ({ folder }: KnownSession): readonly Step[] => readSteps(stepsOf(folder));

export type Wanted = "changes" | "step";

function hasWanted(session: KnownSession, wanted: Wanted): boolean {
  if (wanted === "changes") return waitingLayers(session).length > 0;
  return existsSync(stepsOf(session.folder)) && doneSteps(session).some(isUndoable);
}

/** A step that is neither an undo itself, nor taken back already. */
export function isUndoable({ kind, operations, undone = [] }: Step): boolean {
  return kind === "apply" && operations.some(({ path: place }) => !undone.includes(place));
}

/** The session of that name; without a name the last used one that has what is wanted. Throws WC_SESSION. */
export function chooseSession(state: string, name: string | undefined, wanted: Wanted): KnownSession {
  const all = listSessions(state);
  const found =
    name === undefined
      ? all.find((session) => hasWanted(session, wanted))
      : all.find((session) => session.name === name);
  if (found !== undefined) return found;
  const what = wanted === "changes" ? "changes that wait" : "a step that can be undone";
  throw new WorkcellError("WC_SESSION", {
    message:
      name === undefined
        ? `No session has ${what}`
        : `Cannot find session "${name}": there is no such session`,
    remedy:
      name === undefined && wanted === "changes"
        ? "Make some: workcell run -m . COMMAND"
        : "See which there are: workcell session list",
  });
}

/** True for a word that names a session there is. */
export function isSession(state: string, word: string): boolean {
  return sessionNamePattern.test(word) && existsSync(path.join(state, "sessions", word));
}

/** How many paths wait, roughly: what is no plain folder counts. */
export const countWaiting = (session: KnownSession): number =>
  waitingLayers(session).reduce((sum, { layerFolder }) => sum + Math.max(1, countChanges(layerFolder)), 0);

/** What a session takes on the disk, in bytes, without its home's disk. */
export function sessionBytes({ folder }: KnownSession): number {
  let bytes = 0;
  const open = [folder];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of readQuietly(at)) {
      const place = path.join(at, entry.name);
      if (entry.isDirectory()) open.push(place);
      else bytes += (lstatSync(place, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    }
  }
  return bytes;
}

/** What a cell shut for its own owner is not counted. */
function readQuietly(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Takes a session away with everything of it: home, layers, steps, records. Throws WC_SESSION while a cell of it runs. */
export function removeSession(state: string, session: KnownSession): void {
  const { name, folder } = session;
  withSessionLock(state, name, () => {
    if (isSessionLive(state, name)) {
      throw new WorkcellError("WC_SESSION", {
        message: `Cannot remove session "${name}": a cell of it runs, and none may`,
        remedy: "End its command first, and run this again",
      });
    }
    const uid = uidOf(folder);
    forgetSession(state, name, uid);
    takeAway(folder);
  });
}

function uidOf(folder: string): number | undefined {
  try {
    const { uid } = JSON.parse(readFileSync(path.join(folder, "session.json"), "utf8")) as { uid?: unknown };
    return typeof uid === "number" ? uid : undefined;
  } catch {
    return undefined; // Its run was killed before it could note it.
  }
}
