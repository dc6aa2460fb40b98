import { lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";
import type { BytePath } from "../../model/index.ts";
import { openFileServer } from "../open-file-server.ts";
import { keptFolder, readSteps, writeJournal } from "./journal.ts";
import { carriedOut, isOpenStep } from "./run-step.ts";
import { isAtOrBelow } from "./since.ts";
import type { Step, StepKind } from "./step.ts";
import { removeTree } from "./trees.ts";

const BLOCK_BYTES = 512;

/** A step as a person is shown it. */
export interface ListedStep {
  readonly number: number;
  readonly kind: StepKind;
  /** For an undo: the step that it took back. */
  readonly of?: number;
  /** ISO 8601. */
  readonly time: string;
  readonly folder: string;
  /** Paths that it changed, folders that it made as one. */
  readonly paths: number;
  /** How many of them later steps took back. */
  readonly undonePaths: number;
  /** What it takes on the disk with all that it keeps, in bytes. */
  readonly keptBytes: number;
  /** False: an ended Workcell left it in the middle, and the next opening of its folder finishes it. */
  readonly isDone: boolean;
}

/** Space that a folder takes, each file once; what its owner shut against himself counts for nothing. */
function spaceOf(folder: string): number {
  const seen = new Set<bigint>();
  const waiting: Buffer[] = [Buffer.from(folder)];
  let bytes = 0n;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const status = lstatSync(at, { bigint: true, throwIfNoEntry: false });
    if (status === undefined || seen.has(status.ino)) continue;
    if (status.nlink > 1n && !status.isDirectory()) seen.add(status.ino);
    bytes += status.blocks;
    if (status.isDirectory()) waiting.push(...insideOf(at));
  }
  return Number(bytes) * BLOCK_BYTES;
}

function insideOf(folder: Buffer): readonly Buffer[] {
  try {
    const slash = Buffer.from("/");
    return readdirSync(folder, { encoding: "buffer" }).map((name) => Buffer.concat([folder, slash, name]));
  } catch (error) {
    if (["EACCES", "ENOENT", "ENAMETOOLONG"].includes(codeOf(error) ?? "")) return [];
    throw error;
  }
}

function listed(steps: string, step: Step): ListedStep {
  const { number, kind, of, time, folder, state } = step;
  const changed = carriedOut(step);
  const undone = new Set(step.undone);
  return {
    ...{ number, kind, time, folder, paths: changed.length, isDone: state === "done" && !isOpenStep(step) },
    ...(of === undefined ? {} : { of }),
    undonePaths: changed.filter(({ path: place }) => isAtOrBelow(undone, place)).length,
    keptBytes: spaceOf(path.join(steps, String(number))),
  };
}

/** The steps of a session that can be looked at, the oldest first; what was forgotten is not among them. */
export function listSteps(steps: string): readonly ListedStep[] {
  return readSteps(steps)
    .filter(({ forgotten }) => forgotten !== true)
    .map((step) => listed(steps, step));
}

/**
 * Forgets the oldest steps until all of them take no more than `limitBytes`, and resolves to those: they cannot be undone any more. What
 * they wrote stays known, so that it is no conflict later. The caller holds the session's lock.
 */
export async function boundSteps(
  steps: string,
  limitBytes: number,
  cellfiles: string,
): Promise<readonly ListedStep[]> {
  const all = listSteps(steps);
  let bytes = all.reduce((sum, { keptBytes }) => sum + keptBytes, 0);
  const forgotten: ListedStep[] = [];
  for (const step of all) {
    if (bytes <= limitBytes) break;
    if (!step.isDone) continue;
    bytes -= step.keptBytes;
    forgotten.push(step);
  }
  if (forgotten.length > 0) await forget(steps, cellfiles, forgotten);
  return forgotten;
}

/** Below a descriptor: who still works in a folder that was moved there may lay links in it. */
async function forget(steps: string, cellfiles: string, which: readonly ListedStep[]): Promise<void> {
  const server = await openFileServer(cellfiles, [steps]);
  try {
    for (const { number } of which) {
      await forgetOne(steps, number);
      await removeTree(server, { root: 0, path: keptFolder(number) });
    }
  } finally {
    await server.close();
  }
}

/** The journal first: ended in between, the step keeps what nobody asks for any more. */
async function forgetOne(steps: string, number: number): Promise<void> {
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

const isLater = (one: Step, step: Step): boolean => one.number > step.number && one.folder === step.folder;

const placedPaths = ({ done = [] }: Step): readonly BytePath[] =>
  done.flatMap(({ placed = [] }) => placed.map((one) => one.path));
