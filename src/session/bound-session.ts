import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { boundSteps, type ListedStep, listSteps, spaceOf } from "../changes/index.ts";
import { defaultLimits } from "../settings/index.ts";
import { diskSize, hasDisk } from "./disk.ts";
import { cellfilesOf, type KnownSession, stepsOf } from "./find-sessions.ts";
import { layerFolders, upperOf } from "./layer-record.ts";
import { isSessionLive } from "./marker.ts";
import { locked, type ReviewInput } from "./review.ts";

/** What counts to a session's disk besides what its steps keep. A disk of its own holds home and tmp, and is not mounted now. */
const others = ["home", "tmp", "quarantine"] as const;

/** The same with what waits in layers. A copy that a killed run has left goes with the next look at it. */
const otherFolders = (folder: string): readonly string[] => [
  ...others.map((name) => path.join(folder, name)),
  ...layerFolders(folder).map(upperOf),
];

/** How much of a session's disk what its steps keep takes. */
export interface StepSpace {
  readonly keptBytes: number;
  /** All that the session may take; absent: the person waived it. */
  readonly quotaBytes?: number;
}

/** What became of that space. */
export interface Bounded extends StepSpace {
  /** Steps that cannot be undone any more: what they kept was given up. */
  readonly forgotten: readonly ListedStep[];
  /** True: the newest step alone, which stays, takes more than there is. */
  readonly isOver: boolean;
}

type Limits = { readonly diskBytes?: unknown; readonly held?: { readonly disk?: unknown } } | undefined;

/** The limits of the cell that was started last; undefined when it left no plan that can be read. */
function lastLimits(folder: string): Limits {
  const cells = path.join(folder, "cells");
  const plans = (existsSync(cells) ? readdirSync(cells) : [])
    .map((cell) => path.join(cells, cell, "plan.json"))
    .map((file) => ({ file, time: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.time - one.time);
  const [last] = plans;
  try {
    return last === undefined ? undefined : JSON.parse(readFileSync(last.file, "utf8"))?.limits;
  } catch {
    return undefined; // Its run was killed while it wrote that; the usual limit counts.
  }
}

/** All that a session may take on the disk, in bytes; undefined: the person waived that. */
function quotaOf({ folder }: KnownSession): number | undefined {
  if (hasDisk(folder)) return diskSize(folder);
  const limits = lastLimits(folder);
  if (limits?.held?.disk === "waived") return undefined;
  const bytes = limits?.diskBytes;
  return typeof bytes === "number" && bytes > 0 ? bytes : defaultLimits("standard").diskBytes;
}

const spaceBelow = (folder: string): number => (existsSync(folder) ? spaceOf(folder) : 0);

/** What the steps of a session keep, and what it may take in all. */
export function stepSpace(session: KnownSession): StepSpace {
  const quotaBytes = quotaOf(session);
  const keptBytes = spaceBelow(stepsOf(session.folder));
  return { keptBytes, ...(quotaBytes === undefined ? {} : { quotaBytes }) };
}

/** The newest apply that is not undone, and what was just made: the person counts on those. */
function staying(steps: string, made: readonly number[]): readonly number[] {
  const newest = listSteps(steps).findLast(({ kind, undone }) => kind === "apply" && undone !== "all");
  return newest === undefined ? made : [...made, newest.number];
}

/**
 * Keeps a session within its disk: gives up what its oldest steps keep as long as everything of it together takes more. Steps
 * with these numbers stay, and the newest that can be undone. Nothing is done while a cell of it runs. Throws WC_FILES.
 */
export async function boundSession(input: ReviewInput, made: readonly number[] = []): Promise<Bounded> {
  const { state, session, installation } = input;
  const { folder } = session;
  const steps = stepsOf(folder);
  const quotaBytes = quotaOf(session);
  const nothing = { forgotten: [], isOver: false };
  if (quotaBytes === undefined || !existsSync(steps) || isSessionLive(state, session.name))
    return { ...stepSpace(session), ...nothing };
  return locked(input, async () => {
    const limitBytes = quotaBytes - otherFolders(folder).reduce((sum, one) => sum + spaceBelow(one), 0);
    // The usual case, for which no journal has to be read.
    const before = spaceOf(steps);
    if (before <= limitBytes) return { ...nothing, keptBytes: before, quotaBytes };
    const keep = staying(steps, made);
    const forgotten = await boundSteps({ steps, cellfiles: cellfilesOf(installation), limitBytes, keep });
    const keptBytes = spaceOf(steps);
    return { forgotten, keptBytes, quotaBytes, isOver: keptBytes > limitBytes };
  });
}
