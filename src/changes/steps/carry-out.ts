import type { BytePath, Entry } from "../../model/index.ts";
import type { FileServer } from "../file-server.ts";
import { pipelinedAll } from "../pipelined.ts";
import {
  type Carrying,
  isGone,
  isStaged,
  meanwhile,
  NotDone,
  OutOfReach,
  PutBack,
  placesOf,
} from "./carrying.ts";
import { changeAttributes, isChanged } from "./change-attributes.ts";
import { lookAgain, lookAtPutBack } from "./placed.ts";
import { isMadeBeside, type Staged, type StepRoots, unstageOne } from "./stage.ts";
import type { Done, Identity, Operation } from "./step.ts";
import { finishTakingOut, isPlaced, place, remove, replace } from "./take-out.ts";
import { isAbsent, isServerGone } from "./trees.ts";

/** Operations under way at once; no two concern one path. */
const WINDOW = 512;

export interface CarryOutInput {
  readonly server: FileServer;
  readonly roots: StepRoots;
  readonly staged: Staged;
  readonly decidedNs: bigint;
  readonly way: Way;
  /** What became of them before, where they are settled. */
  readonly before?: readonly Done[];
}

/**
 * run: as decided. recover: an earlier Workcell was ended while it did the same, and each operation is finished from where it
 * stands. settle: the step is done but for what could not be reached; what was taken out is kept or put back, what was made goes.
 */
export type Way = "run" | "recover" | "settle";

/** A step that could not be brought to its end. What stands in its journal is finished by the next command. */
export class Unfinished extends Error {
  readonly finished: readonly BytePath[];

  constructor(finished: readonly BytePath[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.finished = finished;
  }
}

const actions = { place, remove, attributes: changeAttributes };

async function isFinished(carrying: Carrying, way: Way): Promise<boolean> {
  const { kind } = carrying.operation;
  // What was ended in the middle is done again from the start.
  if (kind === "attributes") return way === "settle" && isChanged(carrying);
  return kind === "place" ? isPlaced(carrying) : finishTakingOut(carrying);
}

interface Outcome extends Pick<Done, "failed" | "open"> {
  readonly isBack?: boolean;
  /** What stood there at the moment of the exchange. */
  readonly now?: Entry | undefined;
}

/** Carries one operation out: the person's folder is either as it was at that path, or as it was to be. */
async function carryOutOne(carrying: Carrying, way: Way): Promise<Outcome> {
  try {
    if (way !== "run" && (await isFinished(carrying, way))) return {};
    if (way === "settle") throw new NotDone(meanwhile);
    const { kind } = carrying.operation;
    if (kind === "replace") return { now: await replace(carrying) };
    await actions[kind](carrying);
    return {};
  } catch (error) {
    if (isServerGone(error)) throw error;
    if (error instanceof OutOfReach) return { failed: `${error.message}; ${later}`, open: true };
    const failed = isGone(error) || !(error instanceof Error) ? meanwhile : error.message;
    return { ...(await notDone(carrying, failed)), isBack: error instanceof PutBack };
  }
}

const later = "what stands beside it is seen to when its folder can be reached again";

async function notDone(carrying: Carrying, failed: string): Promise<Outcome> {
  return (await isCleared(carrying)) ? { failed } : { failed: `${failed}; ${later}`, open: true };
}

/**
 * Takes away what was made for an operation that is not done. False: it cannot be reached, for the host has moved or shut its
 * folder, or what came out stands there still.
 */
async function isCleared(carrying: Carrying): Promise<boolean> {
  const { server, roots, operation, staged } = carrying;
  if (operation.kind === "attributes") return true;
  const { beside } = placesOf(carrying);

  try {
    const entry = await server.stat(beside);
    if (entry === undefined) return await isAbsent(server, beside);
    // What has no inode in the journal was never whole, and never in any place but this.
    const isOurs = isStaged(carrying, entry) || (staged === undefined && isMadeBeside(operation));
    if (!isOurs) return false;
    await unstageOne(server, roots, operation);
    return await isAbsent(server, beside);
  } catch (error) {
    if (isServerGone(error)) throw error;
    return false;
  }
}

type File = Pick<Identity, "device" | "inode">;
const nameOf = ({ device, inode }: File): string => `${device}:${inode}`;

/** Files that several operations concern by several names: what stands there before, and what is moved there. */
function sharedFiles(operations: readonly Operation[], made: Staged["made"]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { path, before, moved } of operations)
    for (const file of [before, moved === undefined ? undefined : made.get(path)]) {
      if (file === undefined) continue;
      (seen.has(nameOf(file)) ? shared : seen).add(nameOf(file));
    }
  return shared;
}

function carryingsOf(input: CarryOutInput, operations: readonly Operation[]): readonly Carrying[] {
  const { server, roots, staged, decidedNs, before = [] } = input;
  const shared = sharedFiles(operations, staged.made);
  const back = new Map(before.map(({ path, backNs }) => [path, backNs]));
  return operations.map((operation) => ({
    ...{ server, roots, operation, decidedNs, ...backOf(back.get(operation.path)) },
    staged: staged.made.get(operation.path),
    isShared: operation.before !== undefined && shared.has(nameOf(operation.before)),
  }));
}

const backOf = (backNs: string | undefined) => (backNs === undefined ? {} : { backNs: BigInt(backNs) });

/**
 * Carries out a staged step. Folders' attributes come last, the deepest first: they may forbid what else is done. Throws
 * Unfinished when it cannot go on.
 */
export async function carryOut(
  input: CarryOutInput,
  operations: readonly Operation[],
): Promise<readonly Done[]> {
  const outcomes = new Map<BytePath, Outcome>();
  const run = async (carrying: Carrying): Promise<void> => {
    const { path } = carrying.operation;
    const failed = input.staged.failed.get(path);
    const outcome = failed === undefined ? carryOutOne(carrying, input.way) : notDone(carrying, failed);
    outcomes.set(path, await outcome);
  };
  const carryings = carryingsOf(input, operations);
  const isLast = ({ operation }: Carrying) => operation.kind === "attributes";
  try {
    await pipelinedAll(
      carryings.filter((carrying) => !isLast(carrying)),
      WINDOW,
      run,
    );
    for (const carrying of carryings.filter(isLast).reverse()) await run(carrying);
    // Only now: another name of the same file, or its folder, may have been worked on after it.
    return await pipelinedAll(carryings, WINDOW, async (carrying) => {
      const { path } = carrying.operation;
      const outcome = outcomes.get(path) ?? {};
      const { isBack, now, ...rest } = outcome;
      if (rest.failed === undefined) return lookAgain(carrying, now);
      if (isBack === true) return { path, ...rest, ...(await lookAtPutBack(carrying)) };
      const { backNs } = carrying;
      return { path, ...rest, ...(backNs !== undefined && (await lookAtPutBack(carrying, backNs))) };
    });
  } catch (error) {
    const finished = [...outcomes].filter(([, { failed }]) => failed === undefined);
    throw new Unfinished(
      finished.map(([path]) => path),
      error,
    );
  }
}

/** Whether something was made beside for each operation that needs it; what is missing could not be made. */
export function stagedOf(made: Staged["made"], operations: readonly Operation[]): Staged {
  const missing = operations.filter((operation) => isMadeBeside(operation) && !made.has(operation.path));
  return { made, failed: new Map(missing.map(({ path }) => [path, "it could not be made"])) };
}
