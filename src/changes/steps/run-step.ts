import { randomBytes } from "node:crypto";
import type { FileServer } from "../file-server.ts";
import { carryOut } from "./carry-out.ts";
import { forgetStep, writeJournal } from "./journal.ts";
import { isMadeBeside, type Staged, type StepRoots, stage, unstage } from "./stage.ts";
import type { Operation, Step } from "./step.ts";

/** A word that no other step has, for the names beside. */
export const newToken = (): string => randomBytes(6).toString("hex");

export interface StepInput {
  readonly server: FileServer;
  readonly roots: StepRoots;
  /** The session's folder of steps. */
  readonly steps: string;
  /** The step as planned. */
  readonly step: Step;
}

/**
 * Carries a planned step out and resolves to it as it is done: stage, journal, exchange, keep. Throws WC_FILES when
 * nothing could be carried out, for want of space above all; then the person's folder is as it was, and there is no step.
 */
export async function runStep(input: StepInput): Promise<Step> {
  const { server, roots, steps, step } = input;
  const { operations } = step;
  const begun = await beginStep(input);
  // From here on the journal leads: whatever ends this, the next command finishes it.
  const done = await carryOut({ server, roots, staged: begun.staged }, operations);
  return finishStep(steps, begun.step, { done });
}

async function beginStep(input: StepInput): Promise<{ step: Step; staged: Staged }> {
  const { server, roots, steps, step } = input;
  try {
    await writeJournal(steps, step);
    const staged = await stage(server, roots, step.operations);
    await server.sync(roots.host);
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
  const { server, roots, steps, step } = input;
  if (step.state === "done") return step;
  if (step.state === "planned") {
    await giveUp(input);
    return undefined;
  }
  const made = new Map(Object.entries(step.staged ?? {}));
  const notMade = step.operations.filter((operation) => isMadeBeside(operation) && !made.has(operation.path));
  const failed = new Map(notMade.map(({ path }) => [path, "it could not be made"]));
  const done = await carryOut({ server, roots, staged: { made, failed } }, step.operations);
  return finishStep(steps, step, { done });
}

/** Writes down that a step is done. */
export async function finishStep(steps: string, step: Step, result: Pick<Step, "done">): Promise<Step> {
  const { staged: _staged, ...rest } = step;
  const finished: Step = { ...rest, ...result, state: "done" };
  await writeJournal(steps, finished);
  return finished;
}

/** Takes away what was made for a step that had not begun to change anything. */
export async function giveUp({ server, roots, steps, step }: StepInput): Promise<void> {
  await unstage(server, roots, step.operations);
  forgetStep(steps, step.number);
}

/** The operations of a step that were carried out. */
export function carriedOut(step: Step): readonly Operation[] {
  const failed = new Set((step.done ?? []).filter((one) => one.failed !== undefined).map(({ path }) => path));
  return step.operations.filter(({ path }) => !failed.has(path));
}
