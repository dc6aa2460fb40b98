import type { BytePath, Entry } from "../../model/index.ts";
import { isWithin } from "../byte-path.ts";
import type { FileRoot, FileServer } from "../file-server.ts";
import { isTime } from "../kept-time.ts";
import { pipelinedAll } from "../pipelined.ts";
import { sameXattrs } from "../same-entry.ts";
import { isGone } from "./carrying.ts";
import { hasAttributes } from "./change-attributes.ts";
import { besideOf, type Left, type Planned } from "./plan-apply.ts";
import { carriedOut } from "./run-step.ts";
import { type Elsewhere, isAtOrBelow, type Since, sinceOf } from "./since.ts";
import { identityOf, isSameFile, isUntouched, type Operation, type Placed, type Step } from "./step.ts";

/** Calls under way at once. */
const WINDOW = 256;

export interface UndoInput {
  readonly server: FileServer;
  /** The person's folder, and the session's steps. */
  readonly host: FileRoot;
  readonly kept: FileRoot;
  /** Folder, below the steps, of what the undo keeps. */
  readonly keptFolder: string;
  readonly step: Step;
  /** All steps of the session, and what others did to the same folder. */
  readonly all: readonly Step[];
  readonly elsewhere?: readonly Elsewhere[];
  /** Only these paths and what is below them; absent: all of the step. */
  readonly only?: readonly BytePath[];
  readonly token: string;
}

const changedSince = "it was changed since, and is left as it is";
const gone = "it is gone by now";

type Undoing = UndoInput & {
  readonly operation: Operation;
  readonly placed: readonly Placed[];
  readonly index: number;
  readonly since: Since;
};
type Inverse = Operation | Left;

const isLeft = (inverse: Inverse): inverse is Left => "why" in inverse;

/** As the step left it, or as a later undo of a later step put it back. */
function isAsLeft(
  { since }: Undoing,
  { path, identity, isFolder }: Placed,
  entry: Entry | undefined,
): boolean {
  if (entry === undefined) return false;
  if (entry.type === "directory" ? isSameFile(entry, identity) : isUntouched(entry, identity)) return true;
  const written = since.written.get(path);
  if (written?.inode !== entry.inode) return false;
  const isFolderNow = entry.type === "directory";
  if (isFolderNow !== (isFolder === true)) return false;
  // What is in it is looked at by itself.
  if (isFolderNow) return true;
  const isSame = String(entry.mtimeNs) === identity.mtimeNs && entry.size === identity.size;
  return written.ctimeNs === entry.ctimeNs && isSame;
}

/** The files at and below a path are as the step left them, and none has come. */
async function isAsPlaced(undoing: Undoing, top: BytePath): Promise<boolean> {
  const { server, host, placed, since } = undoing;
  if (since.stepAt(top) !== undefined) return false;
  const known = placed.filter(({ path }) => isWithin(path, top));
  const entries = await pipelinedAll(known, WINDOW, ({ path }) => server.stat({ root: host, path }));
  if (known.length === 0 || !known.every((one, index) => isAsLeft(undoing, one, entries[index])))
    return false;
  if (entries[0]?.type !== "directory") return true;
  return (await server.scan({ root: host, path: top })).length === known.length - 1;
}

/** Why nothing is undone at a path: a later step did something there, or the host did. */
function changedBy({ since }: Undoing, path: BytePath): string {
  const later = since.stepAt(path);
  return later === undefined ? changedSince : `${later} changed it later: undo that one first`;
}

const start = ({ token, index, keptFolder }: Undoing, path: BytePath, nth = 0) => ({
  path,
  parts: [],
  beside: besideOf(path, `${token}-${nth}`, index),
  kept: `${keptFolder}/${index}.${nth}`,
});

async function takeAway(undoing: Undoing, path: BytePath, nth = 0): Promise<Inverse> {
  const now = await undoing.server.stat({ root: undoing.host, path });
  if (now === undefined) return { path, why: gone };
  if (!(await isAsPlaced(undoing, path))) return { path, why: changedBy(undoing, path) };
  return { ...start(undoing, path, nth), kind: "remove", before: identityOf(now) };
}

async function putBack(undoing: Undoing, now: Entry | undefined): Promise<Inverse> {
  const { operation, server } = undoing;
  const { path, kept, kind } = operation;
  if ((await server.stat({ root: undoing.kept, path: kept })) === undefined)
    return { path, why: "what it was is not kept any more" };
  if (kind === "remove") {
    if (now !== undefined) return { path, why: "something else stands there by now" };
    return { ...start(undoing, path), kind: "place", moved: kept };
  }
  if (now === undefined) return { path, why: gone };
  if (!(await isAsPlaced(undoing, path))) return { path, why: changedBy(undoing, path) };
  return { ...start(undoing, path), kind: "replace", before: identityOf(now), moved: kept };
}

/** The bits, owner and extended attributes that were there before. */
async function restoreAttributes(undoing: Undoing, now: Entry | undefined): Promise<Inverse> {
  const { server, kept, operation, placed } = undoing;
  const { path } = operation;
  const [known] = placed;
  const [part] = operation.parts;
  if (now === undefined) return { path, why: gone };
  if (
    known === undefined ||
    part === undefined ||
    !isSameFile(now, known.identity) ||
    !hasAttributes(now, part) ||
    !sameXattrs(now.xattrs ?? {}, known.xattrs ?? now.xattrs ?? {})
  )
    return { path, why: changedBy(undoing, path) };
  const bearer = await server.stat({ root: kept, path: operation.kept });
  if (bearer === undefined) return { path, why: "what it was is not kept any more" };
  const { mode, uid, gid } = bearer;
  // The step gave it a time as well; one that somebody has given it since stays.
  const isOurTime = isTime(now.mtimeNs, BigInt(part.attributes.mtimeNs));
  const mtimeNs = String(isOurTime ? bearer.mtimeNs : now.mtimeNs);
  const attributes = { mode, uid, gid, mtimeNs };
  const back = { path: "", type: part.type, attributes, from: operation.kept };
  return { ...start(undoing, path), kind: "attributes", before: identityOf(now), parts: [back] };
}

async function inverseOf(undoing: Undoing): Promise<readonly Inverse[]> {
  const { server, host, operation, only } = undoing;
  const { path, kind } = operation;
  const isWhole = only === undefined || only.some((one) => isWithin(path, one));
  if (!isWhole) {
    const inside = (only ?? []).filter((one) => isWithin(one, path));
    if (inside.length === 0) return [];
    if (kind !== "place") return [{ path, why: `only the whole of it can be undone: name "${path}"` }];
    return Promise.all(inside.map((one, nth) => takeAway(undoing, one, nth + 1)));
  }
  if (kind === "place") return [await takeAway(undoing, path)];
  const now = await server.stat({ root: host, path });
  return [await (kind === "attributes" ? restoreAttributes : putBack)(undoing, now)];
}

/** A link has taken the place of a folder, or what was looked at a moment ago is gone. */
function leftIfGone(path: BytePath, error: unknown): readonly Left[] {
  if (isGone(error)) return [{ path, why: changedSince }];
  throw error;
}

/** What takes a step back: whatever somebody has changed since is left as it is, and said. */
export async function planUndo(input: UndoInput): Promise<Planned> {
  const undone = new Set(input.step.undone);
  const isUndone = (path: BytePath) => isAtOrBelow(undone, path);
  const placedAt = new Map(
    (input.step.done ?? []).map(({ path, placed = [] }) => [
      path,
      placed.filter((one) => !isUndone(one.path)),
    ]),
  );
  const since = sinceOf(input);
  const open = carriedOut(input.step).filter(({ path }) => !isUndone(path));
  const inverses = await pipelinedAll([...open.entries()], WINDOW, ([index, operation]) =>
    inverseOf({ ...input, operation, index, since, placed: placedAt.get(operation.path) ?? [] }).catch(
      (error: unknown) => leftIfGone(operation.path, error),
    ),
  );
  const all = inverses.flat();
  return {
    operations: all.filter((inverse): inverse is Operation => !isLeft(inverse)),
    left: all.filter(isLeft),
  };
}
