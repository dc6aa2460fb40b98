import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { forgetSteps, listSteps } from "../changes/index.ts";
import { codeOf, WorkcellError } from "../errors/index.ts";
import {
  cellfilesOf,
  type KnownSession,
  listSessions,
  openSteps,
  readOr,
  stepsOf,
  waitingLayers,
} from "./find-sessions.ts";
import { isSessionLive, liveMarkers } from "./marker.ts";
import { bytesIn, stepBytes } from "./session-bytes.ts";
import { holdSessionLock, withSessionLock } from "./session-lock.ts";
import { forgetSession } from "./store.ts";
import { takeAway } from "./take-away.ts";

const STEP_MS = 50;
/** Grace after SIGTERM, and time in which a cell that was cancelled is gone. */
const TERM_MS = 5000;
const KILL_MS = 10_000;
/** After so many a run does not ask its command any more. */
const INTERRUPTS = 3;

/** Takes a session away with everything of it: home, layers, steps, records. Throws WC_SESSION while a cell of it runs. */
export function removeSession(state: string, session: KnownSession): void {
  const { name, folder } = session;
  withSessionLock(state, name, () => {
    if (isSessionLive(state, name)) {
      throw new WorkcellError("WC_SESSION", {
        message: `Cannot remove session "${name}": a cell of it runs, and none may`,
        remedy: `End it first: workcell session stop ${name}`,
      });
    }
    forgetSession(state, name, uidOf(folder));
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

/** What `forgetOld` gave up. */
export interface Forgotten {
  readonly sessions: number;
  readonly steps: number;
  readonly bytes: number;
}

/** True when nothing of it can be wanted any more: it has ended, nothing waits in it, and no step of it is open. */
const isOver = (session: KnownSession): boolean =>
  !session.live &&
  !session.open &&
  readOr(() => waitingLayers(session).length === 0 && openSteps(session).length === 0, false);

/** Where sessions lie, and what works on their files. */
export interface ForgetInput {
  /** Workcell's state folder. */
  readonly state: string;
  /** Where Workcell is installed: the folder with `native/cellfiles`. */
  readonly installation: string;
}

/** What steps keep that are older than a time; one that is not at its end keeps it, however old. */
async function forgetOlder(
  { state, installation }: ForgetInput,
  session: KnownSession,
  beforeMs: number,
): Promise<Forgotten> {
  const steps = stepsOf(session.folder);
  const release = holdSessionLock(state, session.name);
  try {
    const old = readOr(() => listSteps(steps), []).filter(
      ({ isDone, time }) => isDone && Date.parse(time) <= beforeMs,
    );
    const bytes = old.reduce((sum, { number }) => sum + stepBytes(session, number), 0);
    const numbers = old.map(({ number }) => number);
    if (numbers.length > 0) await forgetSteps({ steps, cellfiles: cellfilesOf(installation) }, numbers);
    return { sessions: 0, steps: numbers.length, bytes };
  } finally {
    release();
  }
}

/** Forgets the records of sessions that ended before a time, and what steps before it keep for undo elsewhere. */
export async function forgetOld(input: ForgetInput, beforeMs: number): Promise<Forgotten> {
  const { state } = input;
  let [sessions, steps, bytes] = [0, 0, 0];
  for (const session of listSessions(state)) {
    if (session.live) continue;
    if (isOver(session) && session.usedAtMs <= beforeMs) {
      bytes += bytesIn(session.folder);
      removeSession(state, session);
      sessions += 1;
      continue;
    }
    const forgotten = await forgetOlder(input, session, beforeMs);
    steps += forgotten.steps;
    bytes += forgotten.bytes;
  }
  return { sessions, steps, bytes };
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (codeOf(error) !== "ESRCH") throw error;
    }
  }
}

/** Waits until no cell of a session runs; false when one does after `ms`. */
async function isOverWithin(ms: number, state: string, name: string): Promise<boolean> {
  for (let waitedMs = 0; isSessionLive(state, name); waitedMs += STEP_MS) {
    if (waitedMs >= ms) return false;
    await pause(STEP_MS);
  }
  return true;
}

/**
 * Ends the commands of a session: SIGTERM, and after 5 s what a person does who presses Ctrl-C three times. Resolves to
 * how many there were, when no cell of it runs. Throws WC_SESSION when one does all the same.
 */
export async function stopSession(state: string, { name }: KnownSession): Promise<number> {
  const pids = liveMarkers(state, name).map(({ pid }) => pid);
  signal(pids, "SIGTERM");
  if (await isOverWithin(TERM_MS, state, name)) return pids.length;
  for (let times = 0; times < INTERRUPTS; times += 1) {
    signal(pids, "SIGINT");
    if (await isOverWithin(5 * STEP_MS, state, name)) return pids.length;
  }
  if (await isOverWithin(KILL_MS, state, name)) return pids.length;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot stop session "${name}": a cell of it runs on, and its Workcell was told to end it`,
    remedy: `Kill that Workcell, which takes the cell with it: kill -9 ${pids.join(" ")}`,
  });
}
