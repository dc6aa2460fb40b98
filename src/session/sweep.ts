import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import { findDeadGroups, removeDeadGroups } from "../launch/index.ts";
import type { LimitFacts } from "../model/index.ts";
import { releaseUidsOf } from "./claim-uid.ts";
import { detachStray, strayDisks } from "./disk.ts";
import { isLive, isSessionLive, readMarker } from "./marker.ts";
import { withSessionLock } from "./session-lock.ts";
import { clearHalfMade, forgetSession } from "./store.ts";

/** Records that one run takes away. */
const MOST_AT_ONCE = 50;
/** The newest sessions, which keep their records; and how many may lie there until a short run looks for those that may go. */
const KEPT_RECORDS = 200;
const MOST_RECORDS = 250;
/** Fewer than these are not worth looking for: a process that starts a cell after another would look each time, for one. */
const WORTH_LOOKING = 10;
/** Cells that are said to run and that a start looks at; the others are met by later ones. */
const MOST_LOOKED_AT = 64;
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
function staleDrafts(state: string): readonly string[] {
  const folders = ["running", "uids"].map((name) => path.join(state, name));
  const drafts = folders.flatMap((folder) =>
    list(folder).flatMap((name) => (name.startsWith(".") ? [path.join(folder, name)] : [])),
  );
  return drafts.filter((file) => {
    const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    return written !== undefined && Date.now() - written > DRAFT_MS;
  });
}

interface Abandoned {
  readonly file: string;
  readonly kind: string;
}

/** Some of a list, from anywhere in it on. */
function someOf<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  const from = Math.floor(Math.random() * all.length);
  return [...all.slice(from), ...all.slice(0, from)].slice(0, most);
}

/**
 * Cells whose Workcell was killed: what they left goes, as it would have gone at their end. Where a thousand live, a start does
 * not look at all of them, unless it meets one that does not: where one was killed, more were.
 */
function findAbandoned(state: string): readonly Abandoned[] {
  const running = path.join(state, "running");
  const files = list(running);
  const some = someOf(files, MOST_LOOKED_AT);
  const look = (file: string): readonly Abandoned[] => {
    const marker = readMarker(path.join(running, file));
    // Without a word in it, it is being written this very moment.
    return marker === undefined || isLive(marker) ? [] : [{ file, kind: marker.kind }];
  };
  const found = some.flatMap(look);
  return found.length === 0 || some === files ? found : files.flatMap(look);
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
    say(messageOf(error));
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

/** At a session's end its layers are taken away, unless something waits in them. */
function hasOnlyRecords(session: string): boolean {
  const isThere = (part: string) => existsSync(path.join(session, part));
  // What was taken out of a folder, and what a step replaced, are the person's: they go with their word alone.
  return !isThere("home") && !isThere("layers") && !hasTakenOut(session) && !hasKept(session);
}

/** The oldest records of ended sessions, of those that are too many. */
function surplusRecords(sessions: string, names: readonly string[]): readonly string[] {
  const byAge = names
    .map((name) => path.join(sessions, name))
    .map((folder) => ({ folder, time: statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => a.time - b.time);
  const surplus: string[] = [];
  // Looking into each costs more than their ages do, and of the oldest nearly all have ended.
  for (const { folder } of byAge.slice(0, -KEPT_RECORDS)) {
    if (surplus.length === MOST_AT_ONCE) break;
    if (hasOnlyRecords(folder)) surplus.push(folder);
  }
  return surplus;
}

/** No run waits for that: a program does it, which may outlive the run by a moment. */
function removeBeside(folders: readonly string[]): void {
  if (folders.length === 0) return;
  const options = { cwd: "/", env: { PATH: "/usr/bin:/bin" }, stdio: "ignore", detached: true } as const;
  // What it cannot remove is met again by a later run.
  spawn("rm", ["-rf", "--", ...folders], options)
    .on("error", () => {})
    .unref();
}

/**
 * Ended sessions keep their records for a while; the oldest go when there are many. Run beside a command that takes its
 * time: looking at all of them costs milliseconds.
 */
export function pruneRecords(state: string): void {
  const sessions = path.join(state, "sessions");
  const names = list(sessions);
  if (names.length <= KEPT_RECORDS + WORTH_LOOKING) return;
  // Nobody waits for it, and what it cannot look at the next start says.
  attempt(
    () => {},
    () => removeBeside(surplusRecords(sessions, names)),
  );
}

/** What others left behind, as it was found. */
export interface Leftovers {
  clear(say: (notice: string) => void): void;
}

/** The machine as it was before the cell was built. */
type Machine = Pick<LimitFacts, "cgroups" | "mountTable">;

/**
 * Looks for what killed runs left behind, and changes nothing: done while a cell is being built, when this process has
 * nothing else to do. Clearing it may take its time, and is for when the command runs.
 */
export function findLeftovers(state: string, machine: Machine): Leftovers {
  try {
    return lookFor(state, machine);
  } catch (error) {
    // What others left must not stop a start: that it cannot be looked at is said when the command runs.
    return { clear: (say) => say(messageOf(error)) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function lookFor(state: string, machine: Machine): Leftovers {
  const running = path.join(state, "running");
  const drafts = staleDrafts(state);
  const abandoned = findAbandoned(state);
  const isUsed = (name: string) => isSessionLive(state, name);
  const disks = strayDisks(state, machine.mountTable, isUsed);
  const groups = findDeadGroups(machine.cgroups);
  const sessions = path.join(state, "sessions");
  const names = list(sessions);
  // Runs that are all too short for pruneRecords() would heap records up: from some number on they look themselves.
  const surplus = names.length < MOST_RECORDS ? [] : surplusRecords(sessions, names);
  return {
    clear: (say) => {
      attempt(say, () => {
        for (const file of drafts) rmSync(file, { force: true });
      });
      for (const { file, kind } of abandoned) {
        // Its marker stays when this fails, so that the next run tries again.
        attempt(say, () => {
          if (!file.startsWith(".")) clearAbandoned(state, file, kind);
          rmSync(path.join(running, file), { force: true });
        });
      }
      attempt(say, () => detachStray(state, disks, isUsed));
      removeDeadGroups(groups);
      removeBeside(surplus);
    },
  };
}
