import { existsSync, readdirSync, rm, rmSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import { releaseUidsOf } from "./claim-uid.ts";
import { sweepDisks } from "./disk.ts";
import { isLive, isSessionLive, readMarker } from "./marker.ts";
import { withSessionLock } from "./session-lock.ts";
import { clearHalfMade, forgetSession } from "./store.ts";

/** Records that one run takes away: it must not wait for those of fifty. */
const MOST_AT_ONCE = 4;
/** Records of ended sessions that are kept, and how many may lie there until a run waits for some to go. */
const KEPT_RECORDS = 200;
const MOST_RECORDS = 250;
/** Time in which a draft is written in any case, in `ms`. */
const DRAFT_MS = 60_000;

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Drafts that nobody is writing any more: their run was killed just then, or had no space for them. */
function sweepDrafts(state: string): void {
  for (const folder of ["running", "uids"].map((name) => path.join(state, name))) {
    for (const file of list(folder).filter((name) => name.startsWith("."))) {
      const written = statSync(path.join(folder, file), { throwIfNoEntry: false })?.mtimeMs;
      if (written !== undefined && Date.now() - written > DRAFT_MS)
        rmSync(path.join(folder, file), { force: true });
    }
  }
}

/** Cells whose Workcell was killed: what they left goes, as it would have gone at their end. */
function sweepAbandoned(state: string, say: (notice: string) => void): void {
  const running = path.join(state, "running");
  for (const file of list(running)) {
    const marker = readMarker(path.join(running, file));
    // Without a word in it, it is being written this very moment.
    if (marker === undefined || isLive(marker)) continue;
    // Its marker stays when this fails, so that the next run tries again.
    attempt(say, () => {
      if (!file.startsWith(".")) clearAbandoned(state, file, marker.kind);
      rmSync(path.join(running, file), { force: true });
    });
  }
}

function clearAbandoned(state: string, file: string, kind: string): void {
  const name = file.slice(0, file.lastIndexOf("."));
  rmSync(path.join(state, "sessions", name, "cells", file.slice(name.length + 1), "exec"), { force: true });
  if (kind === "durable") {
    withSessionLock(state, name, () => clearHalfMade(state, name));
    return;
  }
  const folder = path.join(state, "sessions", name);
  const isWhole = existsSync(path.join(folder, "cells"));
  if (!isWhole && isSessionLive(state, name)) return;
  forgetSession(state, name, /^\d+$/.test(kind) ? Number(kind) : undefined);
  releaseUidsOf(state, name);
  // There is nothing to record, and nobody could open it again.
  if (!isWhole) rmSync(folder, { recursive: true, force: true });
}

/** What other runs left must not stop this one: that it cannot be cleared is said, and no more. */
function attempt(say: (notice: string) => void, clear: () => void): void {
  try {
    clear();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

function hasTakenOut(session: string): boolean {
  const quarantine = path.join(session, "quarantine");
  return list(quarantine).some((number) => list(path.join(quarantine, number)).length > 0);
}

/** What was applied can be undone, or is to be finished. */
function hasKept(session: string): boolean {
  const steps = path.join(session, "steps");
  const numbers = list(steps).filter((name) => /^[1-9]\d*$/.test(name));
  return numbers.some((number) => list(path.join(steps, number, "kept")).length > 0);
}

/** Records of ended sessions that are too many, the oldest last; few at once. */
function surplusRecords(sessions: string, names: readonly string[]): readonly string[] {
  const isThere = (name: string, part: string) => existsSync(path.join(sessions, name, part));
  // At a session's end its layers are taken away, unless something waits in them.
  const ended = names.filter((name) => !isThere(name, "home") && !isThere(name, "layers"));
  const byAge = ended
    .map((name) => ({
      name,
      time: statSync(path.join(sessions, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((a, b) => b.time - a.time);
  // What was taken out of a folder, and what a step replaced, are the person's: they go with their word alone.
  return byAge
    .slice(KEPT_RECORDS)
    .map(({ name }) => path.join(sessions, name))
    .filter((session) => !hasTakenOut(session) && !hasKept(session))
    .slice(-MOST_AT_ONCE);
}

/**
 * Ended sessions keep their records for a while; the oldest go when there are many. Run beside a command that takes its
 * time: looking at all of them costs milliseconds. What is left when Workcell ends goes with a later run.
 */
export function pruneRecords(state: string): void {
  const sessions = path.join(state, "sessions");
  const names = list(sessions);
  if (names.length <= KEPT_RECORDS) return;
  for (const folder of surplusRecords(sessions, names))
    rm(folder, { recursive: true, force: true }, () => {});
}

/** Runs that are all too short for that would heap records up: from some number on they wait until a few are gone. */
function boundRecords(state: string): void {
  const sessions = path.join(state, "sessions");
  const names = list(sessions);
  if (names.length < MOST_RECORDS) return;
  for (const folder of surplusRecords(sessions, names)) rmSync(folder, { recursive: true, force: true });
}

/** Clears what killed runs left behind. Done while a command runs, so that nobody waits for it. */
export function sweepSessions(state: string, say: (notice: string) => void): void {
  attempt(say, () => sweepDrafts(state));
  sweepAbandoned(state, say);
  attempt(say, () => sweepDisks(state, (name) => isSessionLive(state, name)));
  attempt(say, () => boundRecords(state));
}
