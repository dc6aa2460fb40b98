import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import { type FolderIdentity, folderIdentity, isSameFolder } from "../lib/folder-identity.ts";
import { printable } from "../lib/printable.ts";
import type { BytePath, Change, JudgedChange } from "../model/index.ts";
import type { FileFinder, FileRoot, FileServer, LayerEntry } from "./file-server.ts";
import { judgeChanges } from "./judge-changes.ts";
import { readJudgingFacts } from "./judging-facts.ts";
import { Lanes } from "./lanes.ts";
import { markMounted, mountsBelow } from "./mounted.ts";
import { openFileServer } from "./open-file-server.ts";
import { readChanges, scanLayer } from "./read-changes.ts";
import { clearForgotten } from "./steps/forget-steps.ts";
import {
  clearSteps,
  forgetStep,
  keptFolder,
  kernelTimeNs,
  makeStepFolder,
  readSteps,
  writtenBy,
} from "./steps/journal.ts";
import { type Left, type Planned, planApply } from "./steps/plan-apply.ts";
import { planUndo } from "./steps/plan-undo.ts";
import { clearLeaving, discardChanges, pruneLayer } from "./steps/prune-layer.ts";
import { isOpenStep, newToken, recoverStep, runStep } from "./steps/run-step.ts";
import type { Elsewhere } from "./steps/since.ts";
import { isFolder, type Step, type StepKind } from "./steps/step.ts";
import { isServerGone } from "./steps/trees.ts";

/** A folder that a session is connected to, with the layer that its changes are in. */
export interface LayerPlace {
  /** The layer's name within its session. */
  readonly id: string;
  /** Absolute path of the person's folder, and which folder that was. */
  readonly folder: string;
  /** Decimal digits. */
  readonly identity: FolderIdentity;
  readonly upper: string;
  readonly baseTimeNs: bigint;
  readonly mode: "review" | "auto";
  /** True: the layer was made from a copy, and overlayfs's marks mean nothing in it. */
  readonly isCopy?: true;
}

export interface OpenInput {
  /** The native program that works on files. */
  readonly cellfiles: string;
  readonly place: LayerPlace;
  /** The session's folder of numbered steps. The caller holds the session's lock. */
  readonly steps: string;
  /** Paths that the person named: they are applied whatever their class. */
  readonly named?: readonly BytePath[];
  /** Whose the session is; absent: this process's. */
  readonly userXattr?: boolean;
  /** What other sessions did to the same folder: an undo knows how they left it. */
  readonly elsewhere?: readonly Elsewhere[];
  /** From how many files on further processes work on them. */
  readonly lanesFrom?: number;
}

/** What a step did, and what it had to leave. */
export interface StepResult {
  /** Absent: there was nothing that could be done. */
  readonly step?: Step;
  readonly left: readonly Left[];
}

const [host, layer, kept, around]: readonly [FileRoot, FileRoot, FileRoot, FileRoot] = [0, 1, 2, 3];

/** A connected folder with its pending changes, open for reading and for steps. Close it. */
export interface OpenLayer {
  readonly server: FileServer;
  readonly roots: { readonly host: FileRoot; readonly layer: FileRoot };
  /** Absolute path of the layer's upper folder. */
  readonly upper: string;
  /** Everything that the session made different, each path judged. */
  readonly changes: readonly JudgedChange[];
  /** Steps that an ended Workcell had left in the middle, and that are finished now. */
  readonly recovered: readonly Step[];
  readonly steps: readonly Step[];
  /** Carries changes over, and takes them out of the layer. Conflicts and refusals are the caller's to leave out. */
  apply(chosen: readonly JudgedChange[]): Promise<StepResult>;
  /** Forgets changes: the session sees the person's folder there again. */
  discard(chosen: readonly JudgedChange[]): Promise<void>;
  /** Takes a step back, as far as nobody has changed since what it did. */
  undo(number: number, only?: readonly BytePath[]): Promise<StepResult>;
  close(): Promise<void>;
}

function replaced(folder: string): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot work on "${printable(folder)}": another folder stands there than the one that was connected`,
    remedy: "Put the folder back where it was, or give its changes up: workcell discard",
  });
}

async function openServer(input: OpenInput): Promise<FileServer & FileFinder> {
  const { cellfiles, place, steps, userXattr } = input;
  mkdirSync(steps, { recursive: true, mode: 0o700 });
  const options = { ownMarks: place.isCopy === true, ...(userXattr !== undefined && { userXattr }) };
  const server = await openFileServer(
    cellfiles,
    [place.folder, place.upper, steps, path.dirname(place.upper)],
    options,
  );
  try {
    const top = await server.stat({ root: host, path: "" });
    const { device, inode } = place.identity;
    if (top?.device !== BigInt(device) || top.inode !== BigInt(inode)) throw replaced(place.folder);
    if (isOther(place)) throw replaced(place.folder);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** True of a folder that has the numbers of the known one, and is another one all the same. */
function isOther({ folder, identity }: LayerPlace): boolean {
  try {
    return !isSameFolder(identity, folderIdentity(folder));
  } catch {
    // It has gone since it was opened.
    return true;
  }
}

const rootsOf = (kind: StepKind) => ({ host, source: kind === "apply" ? layer : kept, kept });

/** What stands in the place of a step's folder is another one: nothing of the step is in it. */
function otherFolder(attempt: string, { number, folder }: Step, steps: string): WorkcellError {
  const kept = path.join(steps, keptFolder(number));
  return new WorkcellError("WC_FILES", {
    message: `Cannot ${attempt} step ${number} of "${printable(folder)}": another folder stands there than the one that the step changed`,
    remedy: `Put that folder back in its place; or, when this one came in its stead for good, as from a backup, take what you miss from "${kept}" (journal.json beside it says what each was) and move "${path.dirname(kept)}" away`,
  });
}

/** What works on the folders: one server, and further ones beside it where there is much to do. */
interface Working {
  readonly server: FileServer & FileFinder;
  readonly lanes: Lanes;
}

async function recover({ server, lanes }: Working, { steps, place }: OpenInput): Promise<readonly Step[]> {
  clearSteps(steps);
  // They take space, and nothing more: that they cannot be taken away yet is no reason to stop.
  await clearForgotten(server, kept, steps).catch((error: unknown) => {
    if (isServerGone(error)) throw error;
  });
  const isOpen = (step: Step) => step.state !== "done" || isOpenStep(step);
  const open = readSteps(steps).filter((step) => step.folder === place.folder && isOpen(step));
  const recovered: Step[] = [];
  for (const step of open) {
    if (!isFolder(step, place.identity)) {
      // What is done but for a part that could not be reached waits for its folder.
      if (step.state === "done") continue;
      throw otherFolder("finish", step, steps);
    }
    const done = await recoverStep({ server, lanes, roots: rootsOf(step.kind), steps, step });
    if (done !== undefined && step.state !== "done") recovered.push(done);
  }
  return recovered;
}

/** The changes that a step did not carry over. */
function pendingAfter(changes: readonly Change[], step: Step): readonly Change[] {
  const placed = (step.done ?? [])
    .filter(({ failed }) => failed === undefined)
    .flatMap(({ path, placed: parts = [] }) => [path, ...parts.map((part) => part.path)]);
  const done = new Set(placed);
  return changes.filter(({ path }) => !done.has(path));
}

/** Opens a layer of a session that no cell runs in: finishes what was interrupted, and reads what is pending. */
export async function openLayer(input: OpenInput): Promise<OpenLayer> {
  const server = await openServer(input);
  const lanes = new Lanes(server, () => openServer(input), input.lanesFrom);
  const working = { server, lanes };
  try {
    const recovered = await recover(working, input);
    return await readLayer(input, working, recovered);
  } catch (error) {
    await closeAll(working);
    throw error;
  }
}

async function closeAll({ server, lanes }: Working): Promise<void> {
  await lanes.close();
  await server.close();
}

async function readLayer(input: OpenInput, working: Working, recovered: readonly Step[]): Promise<OpenLayer> {
  const { server } = working;
  const { steps, place, named = [] } = input;
  const layerRoots = { ...working, layer, around };
  await clearLeaving(layerRoots, readdirSync(path.dirname(place.upper)));
  const decidedNs = kernelTimeNs(steps);
  const entries = await scanLayer(server, layer);
  const history = { baseTimeNs: place.baseTimeNs, known: writtenBy(readSteps(steps), place.folder) };
  const { mode, folder: folderPath } = place;
  const read = await readChanges({ server, layer, folder: host, entries, ...history });
  const found = markMounted(read, mountsBelow(folderPath));
  const facts = await readJudgingFacts({ server, layer, folder: host, changes: found, mode, folderPath });
  const judging = { mode, namedByPerson: named, facts, folderPath };
  const changes = judgeChanges(found, judging);
  // Nobody but this process changes the layer: until it does, it is as it was read.
  let unchanged: readonly LayerEntry[] | undefined = entries;
  const prune = async (pending: readonly Change[]) => {
    const held = unchanged ?? (await scanLayer(server, layer));
    unchanged = undefined;
    await pruneLayer(layerRoots, pending, held);
  };
  // What was applied and not yet taken out of the layer when a Workcell was ended.
  if (recovered.length > 0) await prune(changes);
  return {
    server,
    roots: { host, layer },
    upper: place.upper,
    changes,
    recovered,
    steps: readSteps(steps),
    apply: async (chosen) => {
      const making = { ...working, input, decidedNs, kind: "apply" } as const;
      const result = await makeStep(making, async (names) => planApply(chosen, names));
      if (result.step !== undefined) await prune(pendingAfter(changes, result.step));
      return result;
    },
    discard: (chosen) => {
      unchanged = undefined;
      return discardChanges({ ...layerRoots, folder: host }, changes, chosen);
    },
    undo: (number, only) => undo({ ...working, input }, number, only),
    close: () => closeAll(working),
  };
}

interface StepNames {
  readonly token: string;
  readonly keptFolder: string;
}
type PlanStep = (names: StepNames) => Promise<Planned>;

interface Making extends Working {
  readonly input: OpenInput;
  readonly kind: StepKind;
  /** The step that is taken back. */
  readonly of?: number;
  readonly decidedNs: bigint;
}

async function makeStep(making: Making, plan: PlanStep): Promise<StepResult> {
  const { input, server, lanes, kind, of } = making;
  const { steps, place } = input;
  const number = await makeStepFolder(server, kept, steps);
  const { operations, left } = await plan({ token: newToken(), keptFolder: keptFolder(number) });
  if (operations.length === 0) {
    forgetStep(steps, number);
    return { left };
  }
  const step = await runStep({
    server,
    lanes,
    roots: rootsOf(kind),
    steps,
    step: {
      schema: "workcell.step/1",
      number,
      kind,
      ...(of === undefined ? {} : { of }),
      folder: place.folder,
      layer: place.id,
      folderIs: place.identity,
      time: new Date().toISOString(),
      decidedNs: String(making.decidedNs),
      state: "planned",
      operations,
    },
  });
  const failed = (step.done ?? []).flatMap(({ path, failed: why }) =>
    why === undefined ? [] : [{ path, why }],
  );
  return { step, left: [...left, ...failed] };
}

function cannotUndo(number: number, folder: string, found: string): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot undo step ${number} of "${printable(folder)}": ${found}`,
    remedy: "See which there are: workcell undo --list",
  });
}

async function undo(
  { input, ...working }: Working & { readonly input: OpenInput },
  number: number,
  only?: readonly BytePath[],
): Promise<StepResult> {
  const { steps, place, elsewhere = [] } = input;
  const decidedNs = kernelTimeNs(steps);
  const all = readSteps(steps);
  const step = all.find((one) => one.number === number && one.folder === place.folder);
  if (step === undefined) throw cannotUndo(number, place.folder, "there is no such step");
  if (!isFolder(step, place.identity)) throw otherFolder("undo", step, steps);
  if (step.forgotten === true)
    throw cannotUndo(
      number,
      place.folder,
      "what it replaced was given up, for room or by session gc, and is not kept any more",
    );
  const selected = only === undefined ? {} : { only };
  const plan = (names: StepNames) =>
    planUndo({ server: working.server, host, kept, step, all, elsewhere, ...selected, ...names });
  return makeStep({ ...working, input, decidedNs, kind: "undo", of: number }, plan);
}
