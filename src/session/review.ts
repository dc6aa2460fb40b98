import { chmodSync, lstatSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { type LayerPlace, type OpenInput, type OpenLayer, openLayer, type Step } from "../changes/index.ts";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { type FolderIdentity, folderIdentity, isSameFolder } from "../lib/folder-identity.ts";
import { printable } from "../lib/printable.ts";
import type { BytePath } from "../model/index.ts";
import { settleLayer } from "./copies.ts";
import {
  cellfilesOf,
  type KnownSession,
  openSteps,
  readOr,
  stepsElsewhere,
  stepsOf,
  waitingLayers,
} from "./find-sessions.ts";
import { type Layer, readLayerRecord, sessionLayers } from "./layer-record.ts";
import { isSessionLive } from "./marker.ts";
import { holdSessionLock } from "./session-lock.ts";
import { takeAway } from "./take-away.ts";

export interface ReviewInput {
  /** Workcell's state folder. */
  readonly state: string;
  /** Where Workcell is installed: the folder with `native/cellfiles`. */
  readonly installation: string;
  readonly session: KnownSession;
}

/** Nothing is read or changed under a running cell: what it sees would be neither the one nor the other. */
function mustRest({ state, session }: ReviewInput): void {
  if (!isSessionLive(state, session.name)) return;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot work on the changes of session "${session.name}": a cell of it runs, and none may`,
    remedy: `Wait for its command to end, or end it (workcell session stop ${session.name}), and run this again`,
  });
}

const identityOf = ({ device, inode, born, keepsBirth }: Layer): FolderIdentity => ({
  ...{ device, inode },
  ...(born !== undefined && { born }),
  ...(keepsBirth && { keepsBirth }),
});

function placeOf(layer: Layer): LayerPlace {
  const { folder, upper, baseTimeNs, layerFolder, mode, isCopy } = layer;
  return {
    ...{ id: path.basename(layerFolder), folder, upper, baseTimeNs },
    ...(isCopy && { isCopy }),
    identity: identityOf(layer),
    mode: mode === "auto" ? "auto" : "review",
  };
}

/**
 * The place of a step whose layer may be gone: whatever waits would be in one, so an empty folder stands for it. Which folder
 * it was the journal says, and who opens it refuses another one; of one that does not the layer's record says it as long as it is
 * there, and without that each file is still known by its inode.
 */
function placeOfStep({ folder, layer, folderIs }: Step, { session }: ReviewInput): LayerPlace {
  mustBeThere(folder, session);
  const upper = path.join(stepsOf(session.folder), "none");
  mkdirSync(upper, { recursive: true, mode: 0o700 });
  const layers = folderIs === undefined ? readOr(() => sessionLayers(session.folder), []) : [];
  const known = layers.find((one) => one.folder === folder);
  const identity = known === undefined ? folderIdentity(folder) : identityOf(known);
  return { id: layer, folder, identity, upper, baseTimeNs: 0n, mode: "review" };
}

/** True while the folder that a layer is of stands where it was. */
function isThere(layer: Layer): boolean {
  try {
    return isSameFolder(layer, folderIdentity(layer.folder));
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}

function mustBeThere(folder: string, { name }: KnownSession): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  const instead = found === undefined ? "" : `, a ${found.isSymbolicLink() ? "link" : "file"} stands there`;
  throw new WorkcellError("WC_FILES", {
    message: `Cannot work on "${printable(folder)}": the folder is gone${instead}, and session "${name}" holds changes of it`,
    remedy: `Put it back where it was, or give the changes up: workcell discard ${name}`,
  });
}

/** Does something under a session's lock. Throws WC_SESSION while a cell of it runs. */
export async function locked<T>(input: ReviewInput, use: () => T | Promise<T>): Promise<T> {
  const { state, session } = input;
  const release = holdSessionLock(state, session.name);
  try {
    mustRest(input);
    return await use();
  } finally {
    release();
  }
}

interface Work {
  readonly place: LayerPlace;
  readonly named?: readonly BytePath[];
  readonly elsewhere?: NonNullable<OpenInput["elsewhere"]>;
}

const OWNER_BITS = 0o700;

/** A cell may have shut the connected folder itself; that is no change, and must not hide those in it. */
function mayBeRead(upper: string): void {
  const { mode } = statSync(upper);
  if ((mode & OWNER_BITS) !== OWNER_BITS) chmodSync(upper, (mode & 0o7777) | OWNER_BITS);
}

/** What cells did to a copy whose Workcell was killed before it was over. */
async function settle(layerFolder: string, cellfiles: string): Promise<void> {
  const record = readLayerRecord(layerFolder);
  if (record !== undefined) await settleLayer(layerFolder, record, cellfiles);
}

async function opened<T>(
  { installation, session }: ReviewInput,
  work: Work,
  use: (open: OpenLayer) => Promise<T>,
): Promise<T> {
  mustBeThere(work.place.folder, session);
  const steps = stepsOf(session.folder);
  const cellfiles = cellfilesOf(installation);
  if (work.place.isCopy === true) await settle(path.dirname(work.place.upper), cellfiles);
  mayBeRead(work.place.upper);
  const open = await openLayer({ cellfiles, steps, ...work });
  try {
    // What the host has by now as well is no change, and must not wait for ever.
    if (open.changes.length === 0) await open.discard([]);
    return await use(open);
  } finally {
    await open.close();
  }
}

/** Whether a session's layer is worked on, and what the person named in it; undefined: it is left alone. */
export type Selection = (layer: Layer) => { readonly named: readonly BytePath[] } | undefined;

/**
 * Opens each of a session's layers in which something waits, one after the other, under the session's lock. A folder that is
 * gone keeps none of the others back: its error comes last.
 */
export async function reviewSession<T>(
  input: ReviewInput,
  select: Selection,
  use: (open: OpenLayer, layer: Layer) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  const failures: unknown[] = [];
  for (const layer of waitingLayers(input.session)) {
    const selected = select(layer);
    if (selected === undefined) continue;
    try {
      const work = { place: placeOf(layer), named: selected.named };
      results.push(await locked(input, () => opened(input, work, (open) => use(open, layer))));
    } catch (error) {
      if (isThere(layer)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return results;
}

/** The layer of a step's folder when something waits in it, else the place that stands for it. */
function whereStepWas(step: Step, input: ReviewInput): LayerPlace {
  const layer = waitingLayers(input.session).find(({ folder }) => folder === step.folder);
  return layer !== undefined && isThere(layer) ? placeOf(layer) : placeOfStep(step, input);
}

/**
 * Finishes steps that a Workcell was ended in, of folders in which nothing else waits, or everywhere: opening a layer does
 * it for its own.
 */
export async function finishSteps(
  input: ReviewInput,
  { everywhere = false }: { readonly everywhere?: boolean } = {},
): Promise<readonly Step[]> {
  const open = openSteps(input.session);
  if (open.length === 0) return [];
  const layers = new Set(everywhere ? [] : waitingLayers(input.session).map(({ folder }) => folder));
  const finished: Step[] = [];
  for (const step of open.filter(({ folder }) => !layers.has(folder))) {
    const work = { place: whereStepWas(step, input) };
    await locked(input, () => opened(input, work, async ({ recovered }) => finished.push(...recovered)));
  }
  return finished;
}

/** Gives up the layers whose folder is gone, or is another one by now; returns those folders. */
export function dropLostLayers(input: ReviewInput): Promise<readonly string[]> {
  return locked(input, () => {
    const lost = waitingLayers(input.session).filter((layer) => !isThere(layer));
    for (const { layerFolder } of lost) takeAway(layerFolder);
    return lost.map(({ folder }) => folder);
  });
}

/** Opens the folder that a step changed, to take the step back. Its layer may be gone by now. */
export function openStep<T>(
  input: ReviewInput,
  step: Step,
  use: (open: OpenLayer) => Promise<T>,
): Promise<T> {
  const place = whereStepWas(step, input);
  const elsewhere = stepsElsewhere(input, step.folder);
  return locked(input, () => opened(input, { place, elsewhere }, use));
}
