import { WorkcellError } from "../../errors/index.ts";
import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath, parentOf } from "../byte-path.ts";
import type { CopyAs, FileRoot, FileServer, Place } from "../file-server.ts";
import { dealtAll, type Lanes } from "../lanes.ts";
import { pipelinedAll } from "../pipelined.ts";
import { type Attributes, type Identity, identityOf, type Operation, type Part } from "./step.ts";
import { copyTree, errnoOf, isServerGone, removeTree } from "./trees.ts";

/** Operations under way at once. */
const WINDOW = 512;
/** The whole step ends: whatever comes next would fail as well. */
const hopeless: readonly string[] = ["ENOSPC", "EDQUOT", "EIO", "ENOMEM", "EROFS", "EMFILE", "ENFILE"];

/** The folders a step works on. */
export interface StepRoots {
  /** The person's folder. */
  readonly host: FileRoot;
  /** Where the new content lies: the layer, or what another step kept. */
  readonly source: FileRoot;
  /** Where what is replaced or removed is kept. */
  readonly kept: FileRoot;
}

/** What was made beside, by operation path; and why something could not be. */
export interface Staged {
  readonly made: ReadonlyMap<BytePath, Pick<Identity, "device" | "inode">>;
  readonly failed: ReadonlyMap<BytePath, string>;
}

export const copyAs = ({ mode, uid, gid, mtimeNs }: Attributes): CopyAs => ({
  ...{ mode, uid, gid },
  mtimeNs: BigInt(mtimeNs),
});

export const isMadeBeside = ({ kind }: Operation): boolean => kind === "place" || kind === "replace";

/** Where a part is made: beside its operation's path, or below the folder that is. */
const besidePlace = ({ host }: StepRoots, operation: Operation, part: Part): Place => ({
  root: host,
  path: part.path === "" ? operation.beside : joinPath(operation.beside, part.path),
});

export interface StageInput {
  readonly server: FileServer;
  readonly lanes: Lanes;
  readonly roots: StepRoots;
}

interface Staging {
  readonly server: FileServer;
  readonly roots: StepRoots;
  /** Where the files of this step stand while it is under way, by the path they will have. */
  readonly places: Map<BytePath, Place>;
}

/** What was made; undefined for another name, which was made before. */
async function makePart(staging: Staging, operation: Operation, part: Part): Promise<Entry | undefined> {
  const { server, roots, places } = staging;
  const place = besidePlace(roots, operation, part);
  const as = copyAs(part.attributes);
  if (part.type === "directory") return server.makeDirectory(place, { ...as, mode: as.mode | 0o700 });
  const from = { root: roots.source, path: part.from };
  const first = part.sameFileAs === undefined ? undefined : places.get(part.sameFileAs);
  if (first === undefined) return server.copy(from, place, as);
  // On another file system below the folder, or taken away with what failed: a file of its own.
  try {
    await server.link(first, place);
    return undefined;
  } catch {
    return server.copy(from, place, as);
  }
}

/**
 * Deepest first, once nothing is made in them any more. SECURITY(P1): the very folders that were made: whoever may write to
 * the person's folder could put a file of somebody else's in such a place, and have it given away.
 */
async function finishFolders(
  { server, roots }: Staging,
  operation: Operation,
  made: ReadonlyMap<Part, Entry | undefined>,
): Promise<void> {
  for (const part of operation.parts.filter(({ finish }) => finish === true).reverse()) {
    const entry = made.get(part);
    if (entry === undefined) continue;
    const { device, inode } = entry;
    const place = { ...besidePlace(roots, operation, part), is: { device, inode } };
    await server.setAttributes(place, copyAs(part.attributes), { root: roots.source, path: part.from });
  }
}

/** Moves what another step kept beside its old place; over file systems it is copied. */
async function moveBeside({ server, roots }: Staging, operation: Operation, name: string): Promise<void> {
  const [from, to] = [
    { root: roots.source, path: name },
    { root: roots.host, path: operation.beside },
  ];
  try {
    await server.rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== "EXDEV") throw error;
    await copyTree(server, from, to);
  }
}

/** Resolves to what stands on top, as it was when it was made. */
async function makeParts(staging: Staging, operation: Operation): Promise<Entry | undefined> {
  const { roots, places } = staging;
  // The server keeps the order: a folder is made before what is in it. Links wait for their first name.
  const plain = operation.parts.filter((part) => part.sameFileAs === undefined);
  const names = operation.parts.filter((part) => part.sameFileAs !== undefined);
  const made = await pipelinedAll(plain, WINDOW, (part) => makePart(staging, operation, part));
  for (const part of plain)
    if (part.type === "file")
      places.set(joinPath(operation.path, part.path).replace(/\/$/, ""), besidePlace(roots, operation, part));
  for (const part of names) await makePart(staging, operation, part);
  await finishFolders(staging, operation, new Map(plain.map((part, index) => [part, made[index]])));
  return plain[0]?.path === "" ? made[0] : undefined;
}

async function stageOne(staging: Staging, operation: Operation): Promise<Pick<Identity, "device" | "inode">> {
  const { server, roots } = staging;
  let made: Entry | undefined;
  if (operation.moved === undefined) made = await makeParts(staging, operation);
  else await moveBeside(staging, operation, operation.moved);
  made ??= await server.stat({ root: roots.host, path: operation.beside });
  if (made === undefined) throw new Error("it was taken away while it was made");
  return identityOf(made);
}

/**
 * Makes new content beside its places, with owners, bits and times. One that cannot be made is said and left out; when
 * the disk is full, everything that was made is taken away again, and the error thrown.
 */
export async function stage(
  { server, lanes, roots }: StageInput,
  operations: readonly Operation[],
): Promise<Staged> {
  const made = new Map<BytePath, Pick<Identity, "device" | "inode">>();
  const failed = new Map<BytePath, string>();
  const places = new Map<BytePath, Place>();
  const beside = operations.filter(isMadeBeside);
  // All parts of one operation by one server: it keeps their order.
  const tryOne = async (operation: Operation, by: FileServer) => {
    try {
      const { device, inode } = await stageOne({ server: by, roots, places }, operation);
      made.set(operation.path, { device, inode });
    } catch (error) {
      await unstage(server, roots, [operation]).catch(() => undefined);
      if (hopeless.includes(errnoOf(error) ?? "") || isServerGone(error)) throw error;
      failed.set(operation.path, error instanceof Error ? error.message : String(error));
    }
  };
  const hasNames = (operation: Operation) => operation.parts.some((part) => part.sameFileAs !== undefined);
  try {
    const items = beside.filter((operation) => !hasNames(operation));
    const servers = await lanes.serversFor(items.reduce((sum, { parts }) => sum + parts.length, 0));
    const workOf = ({ path, parts }: Operation) => ({ folder: parentOf(path), requests: parts.length });
    await dealtAll(servers, { items, window: WINDOW, workOf }, tryOne);
    // Names of files that other operations make: once those are made.
    for (const operation of beside.filter(hasNames)) await tryOne(operation, server);
  } catch (error) {
    await unstage(server, roots, beside);
    throw error;
  }
  return { made, failed };
}

/** Takes away what was made beside for one operation; what was moved there goes back. */
export async function unstageOne(
  server: FileServer,
  { host, source }: StepRoots,
  operation: Operation,
): Promise<void> {
  const beside = { root: host, path: operation.beside };
  if (operation.moved !== undefined) {
    const from = { root: source, path: operation.moved };
    if ((await server.stat(from)) === undefined && (await server.stat(beside)) !== undefined)
      return server.rename(beside, from);
  }
  return removeTree(server, beside);
}

/** Takes away what a step made beside its places; what was moved there goes back. */
export async function unstage(
  server: FileServer,
  roots: StepRoots,
  operations: readonly Operation[],
): Promise<void> {
  const faults: unknown[] = [];
  for (const operation of operations.filter(isMadeBeside)) {
    await unstageOne(server, roots, operation).catch((error: unknown) => {
      // Its folder is gone or shut: so is what was made there, or it could not be made.
      if (!["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(errnoOf(error) ?? "")) faults.push(error);
    });
  }
  if (faults[0] instanceof WorkcellError) throw faults[0];
}
