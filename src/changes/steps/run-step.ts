import { randomBytes } from "node:crypto";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { FileServer } from "../file-server.ts";
import type { Lanes } from "../lanes.ts";
import { pipelinedAll } from "../pipelined.ts";
import { type CarryOutInput, carryOut, stagedOf, Unfinished } from "./carry-out.ts";
import { forgetStep, writeJournal } from "./journal.ts";
import { isMadeBeside, type Staged, type StepRoots, stage, unstage } from "./stage.ts";
import type { Done, Operation, Step } from "./step.ts";
import { errnoOf, isAbsent, removeTree } from "./trees.ts";

/** Calls under way at once. */
const WINDOW = 64;

/** A word that no other step has, for the names beside. */
export const newToken = (): string => randomBytes(6).toString("hex");

export interface StepInput {
  readonly server: FileServer;
  /** That server and further ones, for work that is in no order. */
  readonly lanes: Lanes;
  readonly roots: StepRoots;
  /** The session's folder of steps. */
  readonly steps: string;
  /** The step as planned. */
  readonly step: Step;
}

/**
 * Carries a planned step out and resolves to it as it is done: stage, journal, exchange, keep. Throws WC_FILES when
 * nothing could be carried out, for want of space above all; then the person's folder is as it was, and there is no step.
 * Ended in the middle it throws WC_FILES with the paths that are done and those that are not; the next command finishes it.
 */
export async function runStep(input: StepInput): Promise<Step> {
  const { step, staged } = await beginStep(input);
  // From here on the journal leads: whatever ends this, the next command finishes it.
  return finishStep({ ...input, step }, { staged, way: "run" });
}

async function beginStep(input: StepInput): Promise<{ step: Step; staged: Staged }> {
  const { lanes, roots, steps, step } = input;
  try {
    await writeJournal(steps, step);
    const staged = await stage(input, step.operations);
    await lanes.sync(roots.host);
    const begun: Step = { ...step, state: "staged", staged: Object.fromEntries(staged.made) };
    await writeJournal(steps, begun);
    return { step: begun, staged };
  } catch (error) {
    await giveUp(input).catch(() => undefined);
    throw error;
  }
}

/**
 * Brings a step that was ended in the middle to its end: back when nothing had changed yet, else forward. Undefined: it was
 * taken back, and there is no such step any more.
 */
export async function recoverStep(input: StepInput): Promise<Step | undefined> {
  const { step } = input;
  if (step.state === "done") return settleStep(input);
  if (step.state === "planned") {
    await giveUp(input);
    return undefined;
  }
  const made = new Map(Object.entries(step.staged ?? {}));
  return finishStep(input, { staged: stagedOf(made, step.operations), way: "recover" });
}

/** Carries out what is staged, and writes down that it is done once all of it is on the disk. */
async function finishStep(
  { server, roots, steps, step }: StepInput,
  by: Pick<CarryOutInput, "staged" | "way">,
): Promise<Step> {
  let done: readonly Done[] = [];
  try {
    const decidedNs = BigInt(step.decidedNs);
    done = await carryOut({ server, roots, decidedNs, ...by }, step.operations);
    await server.sync(roots.host);
    const finished = withDone(step, done);
    await writeJournal(steps, finished);
    await dropCopies({ server, roots }, finished);
    return finished;
  } catch (error) {
    throw unfinished(step, error, done);
  }
}

/** Its journal once it is done. */
function withDone({ staged = {}, ...step }: Step, done: readonly Done[]): Step {
  const isOpen = new Set(done.filter(({ open }) => open === true).map(({ path }) => path));
  const still = Object.entries(staged).filter(([path]) => isOpen.has(path));
  return { ...step, done, state: "done", ...(still.length > 0 && { staged: Object.fromEntries(still) }) };
}

/** Whether something of a step that is done may still stand beside its place. */
export const isOpenStep = ({ done = [] }: Step): boolean => done.some(({ open }) => open === true);

/** Looks again at what could not be reached when the step was done. */
async function settleStep({ server, roots, steps, step }: StepInput): Promise<Step> {
  const { done: before = [], decidedNs } = step;
  const open = new Set(before.filter((one) => one.open === true).map(({ path }) => path));
  if (open.size === 0) return step;
  const operations = step.operations.filter(({ path }) => open.has(path));
  const made = new Map(Object.entries(step.staged ?? {}));
  const staged: Staged = { made, failed: new Map() };
  const again = await carryOut(
    { server, roots, staged, decidedNs: BigInt(decidedNs), way: "settle", before },
    operations,
  );
  const settled = new Map(again.map((one) => [one.path, one]));
  const done = before.map((one) => settledAs(one, settled.get(one.path)));
  const finished = withDone(step, done);
  await writeJournal(steps, finished);
  return finished;
}

/** What had gone back is known as such, though something of it stood beside: it is not taken out again. */
function settledAs(before: Done, again: Done | undefined): Done {
  if (again === undefined) return before;
  const isStillBack = before.failed !== undefined && again.failed !== undefined && again.placed === undefined;
  return isStillBack && before.placed !== undefined ? { ...again, placed: before.placed } : again;
}

/** What another step kept was moved from there, or copied over file systems: then it is not kept twice. */
async function dropCopies({ server, roots }: Pick<StepInput, "server" | "roots">, step: Step): Promise<void> {
  const copied = carriedOut(step).flatMap(({ moved }) => (moved === undefined ? [] : [moved]));
  await pipelinedAll(copied, WINDOW, (path) => removeTree(server, { root: roots.source, path }));
}

const mostNamed = 3;

const noSpace: readonly string[] = ["ENOSPC", "EDQUOT"];

function unfinished(step: Step, error: unknown, done: readonly Done[]): WorkcellError {
  const carried = done.flatMap(({ path, failed }) => (failed === undefined ? [path] : []));
  const finished = new Set(error instanceof Unfinished ? error.finished : carried);
  const isFinished = ({ path }: Operation) => finished.has(path);
  const [over, open] = [
    step.operations.filter(isFinished),
    step.operations.filter((one) => !isFinished(one)),
  ];
  const names = open
    .slice(0, mostNamed)
    .map(({ path }) => `"${printable(Buffer.from(path, "latin1").toString())}"`);
  const more = open.length > mostNamed ? ` and ${open.length - mostNamed} more` : "";
  const found = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Unfinished ? error.cause : error;
  const code = errnoOf(cause) ?? "";
  return new WorkcellError("WC_FILES", {
    message: `Cannot finish step ${step.number} in "${printable(step.folder)}": ${over.length} of ${step.operations.length} paths are done${
      open.length > 0 ? `, not ${names.join(", ")}${more}` : ""
    }: ${found}`,
    remedy: `${noSpace.includes(code) ? "Free space on the disks of that folder and of Workcell's state, and run" : "Run"} workcell diff: it finishes the step before anything else, each file is old or new until then`,
    details: { step: step.number, done: over.map(({ path }) => path), open: open.map(({ path }) => path) },
    cause,
  });
}

/**
 * Takes away what was made for a step that had not begun to change anything, and forgets it. What cannot be reached, since the host has moved
 * its folder, may stand there yet: as a step that did nothing, and is open, it is seen to by the next command.
 */
async function giveUp({ server, roots, steps, step }: StepInput): Promise<void> {
  await unstage(server, roots, step.operations);
  const beside = step.operations.filter(isMadeBeside);
  const areGone = await pipelinedAll(beside, WINDOW, (operation) =>
    isAbsent(server, { root: roots.host, path: operation.beside }),
  );
  if (areGone.every((isGone) => isGone)) return forgetStep(steps, step.number);
  const left = new Set(beside.filter((_, index) => areGone[index] !== true));
  const failed = "its folder was away when the step was given up";
  const done = step.operations.map((operation) => ({
    ...{ path: operation.path, failed },
    ...(left.has(operation) && { open: true as const }),
  }));
  await writeJournal(steps, { ...step, state: "done", done });
}

/** What became of each operation of a step that is done. */
const failedPaths = (done: readonly Done[] = []): ReadonlySet<string> =>
  new Set(done.filter(({ failed }) => failed !== undefined).map(({ path }) => path));

/** The operations of a step that were carried out. */
export function carriedOut(step: Step): readonly Operation[] {
  const failed = failedPaths(step.done);
  return step.operations.filter(({ path }) => !failed.has(path));
}
