import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../../errors/index.ts";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import type { BytePath } from "../../model/index.ts";
import type { Written } from "../conflicts.ts";
import type { FileRoot, FileServer } from "../file-server.ts";
import type { Step } from "./step.ts";

/** Where a step keeps what it took out, below the folder of steps. */
export const keptFolder = (number: number): string => `${number}/kept`;
const journalFile = (steps: string, number: number): string =>
  path.join(steps, String(number), "journal.json");

function numbersIn(steps: string): readonly number[] {
  try {
    return readdirSync(steps)
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
      .sort((one, other) => one - other);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Makes the folder of the next step, with the folder of what it keeps. The caller holds the session's lock. */
export async function makeStepFolder(
  server: FileServer,
  kept: FileRoot,
  all: readonly Step[],
): Promise<number> {
  const number = (all.at(-1)?.number ?? 0) + 1;
  const { uid = 0, gid = 0, mtimeNs = 0n } = (await server.stat({ root: kept, path: "" })) ?? {};
  const as = { mode: 0o700, uid, gid, mtimeNs };
  await server.makeDirectory({ root: kept, path: String(number) }, as);
  await server.makeDirectory({ root: kept, path: keptFolder(number) }, as);
  return number;
}

/** Writes a journal so that it is whole on the disk when this resolves. */
export async function writeJournal(steps: string, step: Step): Promise<void> {
  await writeFileAtomic(journalFile(steps, step.number), `${JSON.stringify(step)}\n`, { mode: 0o600 });
}

function damaged(file: string, cause: unknown): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot read the journal "${file}": it is damaged, and a whole one is needed`,
    remedy: `Look at what the step kept in "${path.join(path.dirname(file), "kept")}", and move its folder away`,
    cause,
  });
}

/** A step's journal; undefined when it was never begun. Throws WC_FILES when it cannot be understood. */
export function readJournal(steps: string, number: number): Step | undefined {
  const file = journalFile(steps, number);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw damaged(file, error);
  }
  try {
    const step = JSON.parse(text) as Step;
    if (step.schema !== "workcell.step/1" || step.number !== number || !Array.isArray(step.operations))
      throw new Error("another schema");
    return step;
  } catch (error) {
    throw damaged(file, error);
  }
}

/** All steps of a session, the oldest first. Folders of steps that were never begun are taken away. */
export function readSteps(steps: string): readonly Step[] {
  return numbersIn(steps).flatMap((number) => {
    const step = readJournal(steps, number);
    if (step === undefined) forgetStep(steps, number);
    return step === undefined ? [] : [step];
  });
}

/** Takes a step away with all that it kept: it cannot be undone any more. */
export function forgetStep(steps: string, number: number): void {
  rmSync(path.join(steps, String(number)), { recursive: true, force: true });
}

/** What Workcell itself wrote into a folder, as it left it: later steps count. */
export function writtenBy(all: readonly Step[], folder: string): ReadonlyMap<BytePath, Written> {
  const written = new Map<BytePath, Written>();
  for (const step of all.filter((one) => one.folder === folder)) {
    for (const { placed = [] } of step.done ?? []) {
      for (const { path: place, identity } of placed)
        written.set(place, { inode: BigInt(identity.inode), ctimeNs: BigInt(identity.ctimeNs) });
    }
  }
  return written;
}
