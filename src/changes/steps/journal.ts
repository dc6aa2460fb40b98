import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../../errors/index.ts";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { newDevice } from "../../lib/folder-identity.ts";
import type { BytePath } from "../../model/index.ts";
import type { Written } from "../conflicts.ts";
import { fileError } from "../file-error.ts";
import type { FileRoot, FileServer } from "../file-server.ts";
import { checkStep } from "./check-step.ts";
import type { Step } from "./step.ts";

/** Where a step keeps what it took out, below the folder of steps. */
export const keptFolder = (number: number): string => `${number}/kept`;
/** The same while it is given up. A step that has it is forgotten, whatever its journal says. */
export const goneFolder = (number: number): string => `${number}/gone`;
const folderOf = (steps: string, number: number): string => path.join(steps, String(number));
const journalFile = (steps: string, number: number): string =>
  path.join(folderOf(steps, number), "journal.json");

/** Names in a folder; none when it is not there. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

const numbersIn = (steps: string): readonly number[] =>
  namesIn(steps)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((one, other) => one - other);

/** Numbers of steps that a Workcell had begun to give up; no journal is read for that. */
export const goingSteps = (steps: string): readonly number[] =>
  numbersIn(steps).filter((number) => existsSync(path.join(steps, goneFolder(number))));

/** Makes the folder of the next step, with the folder of what it keeps. The caller holds the session's lock. */
export async function makeStepFolder(server: FileServer, kept: FileRoot, steps: string): Promise<number> {
  const number = (numbersIn(steps).at(-1) ?? 0) + 1;
  const { uid = 0, gid = 0, mtimeNs = 0n } = (await server.stat({ root: kept, path: "" })) ?? {};
  const as = { mode: 0o700, uid, gid, mtimeNs };
  await server.makeDirectory({ root: kept, path: String(number) }, as);
  await server.makeDirectory({ root: kept, path: keptFolder(number) }, as);
  return number;
}

/** The time by which the kernel stamps files. */
export function kernelTimeNs(steps: string): bigint {
  const clock = path.join(steps, ".clock");
  writeFileSync(clock, "", { mode: 0o600 });
  const { ctimeNs } = statSync(clock, { bigint: true });
  rmSync(clock, { force: true });
  return ctimeNs;
}

/** Writes a journal so that it is whole on the disk when this resolves. */
export async function writeJournal(steps: string, { undone: _known, ...step }: Step): Promise<void> {
  const file = journalFile(steps, step.number);
  try {
    await writeFileAtomic(file, `${JSON.stringify(step)}\n`, { mode: 0o600 });
  } catch (error) {
    // Above all there may be no room for it.
    throw fileError(`write the journal "${file}"`, { code: codeOf(error) ?? "EIO", step: "write" });
  }
}

function damaged(file: string, cause?: unknown): WorkcellError {
  const folder = path.dirname(file);
  return new WorkcellError("WC_FILES", {
    message: `Cannot read the journal "${file}": it is damaged or gone, and a whole one is needed`,
    remedy: `Take what the step kept from "${path.join(folder, "kept")}", and move "${folder}" away`,
    cause,
  });
}

/** A step's journal; undefined when it was never begun. Throws WC_FILES when it cannot be understood. */
function readJournal(steps: string, number: number): Step | undefined {
  const file = journalFile(steps, number);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || isKeeping(steps, number)) throw damaged(file, error);
    return undefined;
  }
  try {
    const step = renumbered(checkStep(JSON.parse(text), number));
    return existsSync(path.join(steps, goneFolder(number))) ? { ...step, forgotten: true } : step;
  } catch (error) {
    throw damaged(file, error);
  }
}

/** The same with the number that the device of its folder has today: the kernel may number it anew at each mount. */
function renumbered(step: Step): Step {
  const { folder, folderIs } = step;
  const today = folderIs === undefined ? undefined : newDevice(folder, folderIs);
  if (today === undefined) return step;
  const isOld = (key: string, value: unknown) => key === "device" && value === folderIs?.device;
  return JSON.parse(JSON.stringify(step), (key, value) => (isOld(key, value) ? today : value));
}

const isKeeping = (steps: string, number: number): boolean =>
  namesIn(path.join(steps, keptFolder(number))).length > 0;

/** All steps of a session, the oldest first; of those that were forgotten what they wrote. Changes nothing. */
export function readSteps(steps: string): readonly Step[] {
  const all = numbersIn(steps).flatMap((number) => readJournal(steps, number) ?? []);
  return all.map((step) => {
    const undone = all.filter(({ of }) => of === step.number).flatMap(undoneBy);
    return undone.length === 0 ? step : { ...step, undone: [...new Set(undone)] };
  });
}

const undoneBy = ({ done = [] }: Step): readonly BytePath[] =>
  done.filter(({ failed }) => failed === undefined).map(({ path: place }) => place);

/** Takes the folders of steps away that were never begun. The caller holds the session's lock. */
export function clearSteps(steps: string): void {
  for (const number of numbersIn(steps))
    if (readJournal(steps, number) === undefined) forgetStep(steps, number);
}

/** Takes a step away that keeps nothing; one that does stays. */
export function forgetStep(steps: string, number: number): void {
  const folder = folderOf(steps, number);
  if (isKeeping(steps, number)) throw damaged(journalFile(steps, number));
  if (namesIn(folder).includes("kept")) rmdirSync(path.join(folder, "kept"));
  rmSync(folder, { recursive: true, force: true });
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
