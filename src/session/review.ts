import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { type LayerPlace, type OpenLayer, openLayer, type Step } from "../changes/index.ts";
import { WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { BytePath } from "../model/index.ts";
import { type KnownSession, stepsOf, waitingLayers } from "./find-sessions.ts";
import type { Layer } from "./layer-record.ts";
import { isSessionLive } from "./marker.ts";
import { holdSessionLock } from "./session-lock.ts";

export interface ReviewInput {
  /** Workcell's state folder. */
  readonly state: string;
  /** Where Workcell is installed: the folder with `native/cellfiles`. */
  readonly installation: string;
  readonly session: KnownSession;
}

const cellfilesOf = (installation: string) => path.join(installation, "native/cellfiles");

/** Nothing is read or changed under a running cell: what it sees would be neither the one nor the other. */
function mustRest({ state, session }: ReviewInput): void {
  if (!isSessionLive(state, session.name)) return;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot work on the changes of session "${session.name}": a cell of it runs, and none may`,
    remedy: "Wait for its command to end, and run this again",
  });
}

function placeOf(layer: Layer): LayerPlace {
  const { folder, device, inode, upper, baseTimeNs, layerFolder, mode } = layer;
  return {
    ...{ id: path.basename(layerFolder), folder, upper, baseTimeNs },
    identity: { device, inode },
    mode: mode === "auto" ? "auto" : "review",
  };
}

function mustBeThere(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new WorkcellError("WC_FILES", {
    message: `Cannot work on "${printable(folder)}": the folder is gone, and the changes are of it`,
    remedy: "Put it back where it was, or give the changes up: workcell session rm NAME --force",
  });
}

async function using<T>(
  input: ReviewInput,
  work: { readonly place: LayerPlace; readonly named?: readonly BytePath[] },
  use: (open: OpenLayer) => Promise<T>,
): Promise<T> {
  const { state, installation, session } = input;
  const release = holdSessionLock(state, session.name);
  try {
    mustRest(input);
    mustBeThere(work.place.folder);
    const opened = await openLayer({
      cellfiles: cellfilesOf(installation),
      steps: stepsOf(session.folder),
      ...work,
    });
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  } finally {
    release();
  }
}

/** Opens each of a session's layers in which something waits, one after the other, under the session's lock. */
export async function reviewSession<T>(
  input: ReviewInput,
  named: (layer: Layer) => readonly BytePath[],
  use: (open: OpenLayer, layer: Layer) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (const layer of waitingLayers(input.session))
    results.push(
      await using(input, { place: placeOf(layer), named: named(layer) }, (open) => use(open, layer)),
    );
  return results;
}

/** Opens the folder that a step changed, to take the step back. Its layer may be gone by now. */
export function openStep<T>(
  input: ReviewInput,
  step: Step,
  use: (open: OpenLayer) => Promise<T>,
): Promise<T> {
  const layer = waitingLayers(input.session).find(({ folder }) => folder === step.folder);
  if (layer !== undefined) return using(input, { place: placeOf(layer) }, use);
  mustBeThere(step.folder);
  const { dev, ino } = statSync(step.folder, { bigint: true });
  // There is nothing in it: whatever waits is in a layer.
  const upper = path.join(stepsOf(input.session.folder), "none");
  mkdirSync(upper, { recursive: true, mode: 0o700 });
  const identity = { device: String(dev), inode: String(ino) };
  const place = {
    id: step.layer,
    folder: step.folder,
    identity,
    upper,
    baseTimeNs: 0n,
    mode: "review" as const,
  };
  return using(input, { place }, use);
}
