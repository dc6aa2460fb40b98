import type { BytePath } from "../../model/index.ts";
import type { FileServer } from "../file-server.ts";
import { pipelinedAll } from "../pipelined.ts";
import { type Carrying, isGone, isStaged, meanwhile, placesOf } from "./carrying.ts";
import { changeAttributes } from "./change-attributes.ts";
import { placedBy } from "./placed.ts";
import { isMadeBeside, type Staged, type StepRoots, unstageOne } from "./stage.ts";
import type { Done, Operation } from "./step.ts";
import { finishTakingOut, isPlaced, place, remove, replace } from "./take-out.ts";
import { isServerGone } from "./trees.ts";

/** Operations under way at once; no two concern one path. */
const WINDOW = 64;

export interface CarryOutInput {
  readonly server: FileServer;
  readonly roots: StepRoots;
  readonly staged: Staged;
  readonly decidedNs: bigint;
  /** An earlier Workcell was ended while it did the same: each operation is finished from where it stands. */
  readonly isRecovery?: boolean;
}

/** A step that could not be brought to its end. What stands in its journal is finished by the next command. */
export class Unfinished extends Error {
  readonly finished: readonly BytePath[];

  constructor(finished: readonly BytePath[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.finished = finished;
  }
}

const actions = { place, replace, remove, attributes: changeAttributes };

async function isFinished(carrying: Carrying): Promise<boolean> {
  const { kind } = carrying.operation;
  if (kind === "attributes") return false;
  return kind === "place" ? isPlaced(carrying) : finishTakingOut(carrying);
}

/** Carries one operation out: the person's folder is either as it was at that path, or as it was to be. Resolves to why not. */
async function carryOutOne(carrying: Carrying, isRecovery: boolean): Promise<string | undefined> {
  try {
    if (isRecovery && (await isFinished(carrying))) return undefined;
    await actions[carrying.operation.kind](carrying);
    return undefined;
  } catch (error) {
    if (isServerGone(error)) throw error;
    await clearBeside(carrying, error);
    if (isGone(error)) return meanwhile;
    return error instanceof Error ? error.message : String(error);
  }
}

/** What was made for this goes. What else stands there is the host's own and did not go back: the step stays open. */
async function clearBeside(carrying: Carrying, fault: unknown): Promise<void> {
  const { server, roots, operation } = carrying;
  const entry = await server.stat(placesOf(carrying).beside).catch((error: unknown) => {
    if (isServerGone(error)) throw error;
    return undefined; // its folder is gone or shut, and so is what is in it
  });
  if (entry === undefined) return;
  if (!isStaged(carrying, entry)) throw fault;
  await unstageOne(server, roots, operation).catch((error: unknown) => {
    // A copy stays behind; what another step kept must not.
    if (operation.moved !== undefined || isServerGone(error)) throw error;
  });
}

/** Files that several operations concern by several names. */
function sharedFiles(operations: readonly Operation[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { before } of operations) {
    if (before === undefined) continue;
    const file = `${before.device}:${before.inode}`;
    (seen.has(file) ? shared : seen).add(file);
  }
  return shared;
}

function carryingsOf(input: CarryOutInput, operations: readonly Operation[]): readonly Carrying[] {
  const { server, roots, staged, decidedNs } = input;
  const shared = sharedFiles(operations);
  return operations.map((operation) => ({
    ...{ server, roots, operation, decidedNs },
    staged: staged.made.get(operation.path),
    isShared:
      operation.before !== undefined && shared.has(`${operation.before.device}:${operation.before.inode}`),
  }));
}

/**
 * Carries out a staged step. Folders' attributes come last, the deepest first: they may forbid what else is done. Throws
 * Unfinished when it cannot go on.
 */
export async function carryOut(
  input: CarryOutInput,
  operations: readonly Operation[],
): Promise<readonly Done[]> {
  const why = new Map<BytePath, string | undefined>();
  const run = async (carrying: Carrying): Promise<void> => {
    const { path } = carrying.operation;
    const failed = input.staged.failed.get(path);
    why.set(path, failed ?? (await carryOutOne(carrying, input.isRecovery === true)));
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
      const failed = why.get(path);
      return failed === undefined ? { path, placed: await placedBy(carrying) } : { path, failed };
    });
  } catch (error) {
    throw new Unfinished(
      [...why].filter(([, failed]) => failed === undefined).map(([path]) => path),
      error,
    );
  }
}

/** Whether something was made beside for each operation that needs it; what is missing could not be made. */
export function stagedOf(made: Staged["made"], operations: readonly Operation[]): Staged {
  const missing = operations.filter((operation) => isMadeBeside(operation) && !made.has(operation.path));
  return { made, failed: new Map(missing.map(({ path }) => [path, "it could not be made"])) };
}
