import path from "node:path";
import type { BytePath } from "../../model/index.ts";
import { parentOf } from "../byte-path.ts";
import type { FileRoot, FileServer } from "../file-server.ts";
import { openFileServer } from "../open-file-server.ts";
import { goingSteps, goneFolder, keptFolder, readSteps, writeJournal } from "./journal.ts";
import { type ListedStep, listSteps } from "./list-steps.ts";
import { isOpenStep } from "./run-step.ts";
import { spaceOf } from "./space-of.ts";
import { areOfOneFolder, type Step } from "./step.ts";
import { removeTree } from "./trees.ts";

/** The steps of a session, and the native program that takes away what they keep. */
export interface StepsPlace {
  readonly steps: string;
  readonly cellfiles: string;
}

export interface BoundInput extends StepsPlace {
  /** What all steps together may take on the disk. */
  readonly limitBytes: number;
  /** Numbers of steps that stay, whatever they take. */
  readonly keep?: readonly number[];
}

/**
 * Forgets the oldest steps until all of them take no more than `limitBytes`, and resolves to those: they cannot be undone any more. What
 * they wrote stays known, so that it is no conflict later. A step that is not at its end stays. The caller holds the session's lock.
 */
export async function boundSteps({
  limitBytes,
  keep = [],
  ...place
}: BoundInput): Promise<readonly ListedStep[]> {
  const forgotten: ListedStep[] = [];
  // What an ended Workcell had begun to give up takes space still, and must not cost another step.
  if (goingSteps(place.steps).length > 0) await forgetSteps(place, []);
  let bytes = spaceOf(place.steps);
  for (const step of listSteps(place.steps)) {
    if (bytes <= limitBytes) break;
    if (!step.isDone || keep.includes(step.number)) continue;
    bytes -= spaceOf(path.join(place.steps, keptFolder(step.number)));
    forgotten.push(step);
  }
  if (forgotten.length > 0)
    await forgetSteps(
      place,
      forgotten.map(({ number }) => number),
    );
  return forgotten;
}

/**
 * Gives up what these steps keep; one that is not at its end stays as it is. Below a descriptor: who still works in a folder that was moved
 * there may lay links in it. The caller holds the session's lock.
 */
export async function forgetSteps(
  { steps, cellfiles }: StepsPlace,
  numbers: readonly number[],
): Promise<void> {
  const server = await openFileServer(cellfiles, [steps]);
  try {
    const may = readSteps(steps).filter(({ number, state }) => numbers.includes(number) && state === "done");
    for (const step of may.filter((one) => !isOpenStep(one))) await giveUp(server, step.number);
    // On the disk before anything of it goes: from here on they are forgotten.
    await server.sync(0);
    await clearForgotten(server, 0, steps);
  } finally {
    await server.close();
  }
}

/** One rename, since a full disk has no room for a word in the journal. What the step has given up before is gone already. */
async function giveUp(server: FileServer, number: number): Promise<void> {
  const [kept, gone] = [
    { root: 0, path: keptFolder(number) },
    { root: 0, path: goneFolder(number) },
  ];
  if ((await server.stat(gone)) === undefined && (await server.stat(kept)) !== undefined)
    await server.rename(kept, gone);
}

/** Takes away what forgotten steps keep still: a Workcell was ended while it did. `root` is the folder of steps. */
export async function clearForgotten(server: FileServer, root: FileRoot, steps: string): Promise<void> {
  for (const number of goingSteps(steps)) {
    const gone = { root, path: goneFolder(number) };
    for (const { path: inside } of await server.scan(gone))
      if (parentOf(inside) === gone.path) await removeTree(server, { root, path: inside });
    // There is room for it now, and until it stands there the folder says the same.
    await noteForgotten(steps, number);
    await server.remove(gone);
  }
}

/** What it wrote, as far as no later step wrote there, stays known. */
async function noteForgotten(steps: string, number: number): Promise<void> {
  const all = readSteps(steps);
  const step = all.find((one) => one.number === number);
  if (step === undefined) return;
  const later = new Set(all.filter((one) => isLater(one, step)).flatMap(placedPaths));
  const done = (step.done ?? [])
    .filter(({ failed }) => failed === undefined)
    .map(({ path: place, placed = [] }) => ({
      path: place,
      placed: placed.filter((one) => !later.has(one.path)),
    }))
    .filter(({ placed }) => placed.length > 0);
  await writeJournal(steps, { ...step, operations: [], done, forgotten: true });
}

const isLater = (one: Step, step: Step): boolean => one.number > step.number && areOfOneFolder(one, step);

const placedPaths = ({ done = [] }: Step): readonly BytePath[] =>
  done.flatMap(({ placed = [] }) => placed.map((one) => one.path));
