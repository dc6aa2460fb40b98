import { WorkcellError } from "../../errors/index.ts";
import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath, parentOf } from "../byte-path.ts";
import type { CopyAs, FileRoot, FileServer, Place } from "../file-server.ts";
import { dealtAll, type Lanes } from "../lanes.ts";
import { pipelinedAll } from "../pipelined.ts";
import { type Copy, copyRun, runsOf } from "./copy-runs.ts";
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

/** The path that a part will have. */
const placeOf = ({ path }: Operation, part: Part): BytePath =>
  part.path === "" ? path : joinPath(path, part.path);

const isOneFile = ({ parts: [part, ...more], moved }: Operation): boolean =>
  part !== undefined && part.type !== "directory" && more.length === 0 && moved === undefined;

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

const copyOf = (roots: StepRoots, operation: Operation, part: Part): Copy => ({
  from: { root: roots.source, path: part.from },
  to: besidePlace(roots, operation, part),
  as: copyAs(part.attributes),
});

function makeFolder({ server, roots }: Staging, operation: Operation, part: Part): Promise<Entry> {
  const as = copyAs(part.attributes);
  return server.makeDirectory(besidePlace(roots, operation, part), { ...as, mode: as.mode | 0o700 });
}

/** Another name of a file that was made before. */
async function makeName({ server, roots, places }: Staging, operation: Operation, part: Part): Promise<void> {
  const { from, to, as } = copyOf(roots, operation, part);
  const first = part.sameFileAs === undefined ? undefined : places.get(part.sameFileAs);
  // On another file system below the folder, or taken away with what failed: a file of its own.
  if (first === undefined) await server.copy(from, to, as);
  else await server.link(first, to).catch(() => server.copy(from, to, as));
}

async function makeFiles(
  { server, roots }: Staging,
  operation: Operation,
  files: readonly Part[],
): Promise<void> {
  const copies = files.map((part) => copyOf(roots, operation, part));
  const runs = runsOf(copies, (copy) => copy);
  const settled = await pipelinedAll(runs, WINDOW, (run) => copyRun(server, run));
  const failed = settled.flat().find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
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
  const { parts } = operation;
  const folders = parts.filter(({ type }) => type === "directory");
  const names = parts.filter((part) => part.sameFileAs !== undefined);
  const files = parts.filter(({ type, sameFileAs }) => type !== "directory" && sameFileAs === undefined);
  // The server keeps the order: a folder is made before what is in it. Links wait for their first name.
  const made = await pipelinedAll(folders, WINDOW, (part) => makeFolder(staging, operation, part));
  await makeFiles(staging, operation, files);
  for (const part of files) places.set(placeOf(operation, part), besidePlace(roots, operation, part));
  for (const part of names) await makeName(staging, operation, part);
  await finishFolders(staging, operation, new Map(folders.map((part, index) => [part, made[index]])));
  return folders[0]?.path === "" ? made[0] : undefined;
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
  const giveUp = async (operation: Operation, error: unknown) => {
    await unstage(server, roots, [operation]).catch(() => undefined);
    if (hopeless.includes(errnoOf(error) ?? "") || isServerGone(error)) throw error;
    failed.set(operation.path, error instanceof Error ? error.message : String(error));
  };
  const tryOne = async (operation: Operation, by: FileServer) => {
    try {
      const { device, inode } = await stageOne({ server: by, roots, places }, operation);
      made.set(operation.path, { device, inode });
    } catch (error) {
      await giveUp(operation, error);
    }
  };
  const topOf = (operation: Operation): Copy => copyOf(roots, operation, operation.parts[0] as Part);
  const tryRun = async (run: readonly Operation[], by: FileServer) => {
    const settled = await copyRun(by, run.map(topOf));
    for (const [index, operation] of run.entries()) {
      const result = settled[index];
      if (result?.status !== "fulfilled") await giveUp(operation, result?.reason);
      else {
        const { device, inode } = identityOf(result.value);
        made.set(operation.path, { device, inode });
        places.set(operation.path, { root: roots.host, path: operation.beside });
      }
    }
  };
  const hasNames = (operation: Operation) => operation.parts.some((part) => part.sameFileAs !== undefined);
  try {
    const items = beside.filter((operation) => !hasNames(operation));
    const servers = await lanes.serversFor(items.reduce((sum, { parts }) => sum + parts.length, 0));
    const runs = runsOf(items.filter(isOneFile), topOf);
    await dealtAll(servers, { items: runs, window: WINDOW }, tryRun);
    const others = items.filter((operation) => !isOneFile(operation));
    const workOf = ({ path, parts }: Operation) => ({ folder: parentOf(path), requests: parts.length });
    await dealtAll(servers, { items: others, window: WINDOW, workOf }, tryOne);
    // Names of files that other operations make: once those are made.
    for (const operation of beside.filter(hasNames)) await tryOne(operation, server);
  } catch (error) {
    await unstage(server, roots, beside);
    throw error;
  }
  return { made, failed };
}

/** Takes away what was made beside for one operation; what was moved there goes back, and is never taken away: there is no other. */
export async function unstageOne(
  server: FileServer,
  { host, source }: StepRoots,
  operation: Operation,
): Promise<void> {
  const beside = { root: host, path: operation.beside };
  if (operation.moved !== undefined) {
    const from = { root: source, path: operation.moved };
    if ((await server.stat(from)) === undefined) return server.rename(beside, from);
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
      if (!["ENOENT", "ENOTDIR", "ELOOP", "ESTALE", "EACCES"].includes(errnoOf(error) ?? ""))
        faults.push(error);
    });
  }
  if (faults[0] instanceof WorkcellError) throw faults[0];
}
