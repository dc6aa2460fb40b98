import type { Entry } from "../../model/index.ts";
import type { FileServer, Place } from "../file-server.ts";
import type { StepRoots } from "./stage.ts";
import { hasSameContent, type Identity, isSameFile, isUntouched, type Operation } from "./step.ts";
import { errnoOf, isAbsent } from "./trees.ts";

/** One operation with what carries it out. */
export interface Carrying {
  readonly server: FileServer;
  readonly roots: StepRoots;
  readonly operation: Operation;
  /** What was made beside the path. */
  readonly staged: Pick<Identity, "device" | "inode"> | undefined;
  /** When the step was decided on, by the kernel's clock: what is younger in a folder that goes is the host's own. */
  readonly decidedNs: bigint;
  /** Another operation of the step concerns the same file under another name, and moves its ctime. */
  readonly isShared: boolean;
  /** What it took out was back at its place by this time, when nobody could look at it: `Done.backNs`. */
  readonly backNs?: bigint;
}

export const meanwhile = "the host changed it meanwhile";

/** Says why the person's folder stays as it is at a path. */
export class NotDone extends Error {}

/** The same, after it was taken out and put back: that moved its ctime. */
export class PutBack extends NotDone {}

/** Nobody can say whether it is done: the host has moved its folder away, or put something else in its place. */
export class OutOfReach extends Error {}

/** Where an operation's path, what stands beside it and what is kept of it lie. */
export const placesOf = ({ roots, operation }: Carrying): { at: Place; beside: Place; kept: Place } => ({
  at: { root: roots.host, path: operation.path },
  beside: { root: roots.host, path: operation.beside },
  kept: { root: roots.kept, path: operation.kept },
});

/** It is no longer what was looked for: gone, another, or behind a link. */
export const isGone = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR", "ESTALE", "ELOOP"].includes(errnoOf(error) ?? "");

export const isStaged = ({ staged }: Carrying, entry: Entry | undefined): boolean =>
  staged !== undefined && entry !== undefined && isSameFile(entry, staged);

/** What stands at a place. Throws OutOfReach where its folder cannot be asked: that nothing is found there means nothing. */
export async function lookAt(server: FileServer, place: Place): Promise<Entry | undefined> {
  try {
    const entry = await server.stat(place);
    if (entry !== undefined || (await isAbsent(server, place))) return entry;
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  throw new OutOfReach(meanwhile);
}

/** What was decided on stands there, untouched. */
export async function mustBeUntouched(
  { server, operation, isShared }: Carrying,
  at: Place,
): Promise<Identity> {
  const entry = await server.stat(at);
  const { before } = operation;
  if (entry === undefined || before === undefined) throw new NotDone(meanwhile);
  if (!(isShared ? hasSameContent : isUntouched)(entry, before)) throw new NotDone(meanwhile);
  return before;
}
