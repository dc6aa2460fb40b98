import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath } from "../byte-path.ts";
import type { FileRoot, FileServer, LayerEntry, Place } from "../file-server.ts";
import { openFileServer } from "../open-file-server.ts";
import { pipelinedAll } from "../pipelined.ts";
import { errnoOf, removeTree } from "../steps/trees.ts";
import { type CopiedPath, keyOf, writeIndex } from "./copy-index.ts";
import { asInCopy, type Owners } from "./owners.ts";

/** Calls under way at once. */
const WINDOW = 512;
/** How often a file is tried that is written to while it is copied. */
const ATTEMPTS = 5;
const OWNER_BITS = 0o700;

const [host, around]: readonly [FileRoot, FileRoot] = [0, 1];

export interface CopyInput {
  readonly cellfiles: string;
  /** Absolute path of the person's folder. */
  readonly folder: string;
  /** Which folder it must be, in decimal digits. */
  readonly identity: { readonly device: string; readonly inode: string };
  /** The layer's folder, in which the copy is made beside `upper`. */
  readonly layerFolder: string;
  readonly owners: Owners;
  /** Rejects with its reason when it is aborted; what there is then is no copy. */
  readonly cancel?: AbortSignal;
}

interface Copying {
  readonly server: FileServer;
  readonly owners: Owners;
  /** What each folder of the copy is to look like at the end, and whose extended attributes it has. */
  readonly folders: Map<BytePath, Pick<One, "entry" | "from">>;
  /** First names of files that have several, by file. */
  readonly names: Map<string, Place>;
  readonly cancel: AbortSignal | undefined;
}

const inCopy = (path: BytePath): Place => ({ root: around, path: path === "" ? "copy" : `copy/${path}` });
const isCopied = ({ type }: Entry) => type === "file" || type === "directory" || type === "symlink";

/** Something that is copied, and where to. */
interface One {
  readonly entry: Entry;
  readonly from: Place;
  readonly to: Place;
}

/** A file, or a further name of one that is there already. */
async function copyFile(copying: Copying, one: One): Promise<void> {
  const { server, names } = copying;
  const { entry, from, to } = one;
  const file = `${from.root}:${entry.device}:${entry.inode}`;
  const first = entry.links > 1 ? names.get(file) : undefined;
  if (first === undefined) {
    // Requests are answered in their order: whoever is told of this name asks after it was made.
    if (entry.links > 1) names.set(file, to);
    return copyContent(copying, one);
  }
  // The first may be gone again, or be made later: then it is a file of its own.
  await server.link(first, to).catch(() => copyContent(copying, one));
}

async function copyContent({ server, owners }: Copying, { entry, from, to }: One): Promise<void> {
  for (let attempt = 1, now: Entry | undefined = entry; now !== undefined; attempt++) {
    try {
      await server.copy(from, to, asInCopy(now, owners));
      return;
    } catch (error) {
      if (errnoOf(error) !== "ESTALE" || attempt === ATTEMPTS) throw error;
      now = await server.stat(from);
    }
  }
}

async function makeFolder(
  { server, owners, folders }: Copying,
  path: BytePath,
  made: Pick<One, "entry" | "from">,
): Promise<void> {
  folders.set(path, made);
  const as = asInCopy(made.entry, owners);
  await server.makeDirectory(inCopy(path), { ...as, mode: as.mode | OWNER_BITS });
}

/** The person's folder as it is now. What goes meanwhile is none of it; sockets, pipes and devices neither. */
async function copyHost(copying: Copying, entries: readonly LayerEntry[]): Promise<readonly BytePath[]> {
  const copied = await pipelinedAll(entries.filter(isCopied), WINDOW, async (entry) => {
    const { path } = entry;
    const from = { root: host, path };
    copying.cancel?.throwIfAborted();
    try {
      if (entry.type === "directory") await makeFolder(copying, path, { entry, from });
      else await copyFile(copying, { entry, from, to: inCopy(path) });
      return [path];
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) return [];
      throw error;
    }
  });
  return copied.flat();
}

/** What the session had changed before, over it. */
async function layUpper(copying: Copying): Promise<ReadonlySet<BytePath>> {
  const { server, folders } = copying;
  const laid = new Set<BytePath>();
  for (const { path: whole, ...entry } of await server.scan({ root: around, path: "upper" })) {
    const path = whole.slice("upper/".length);
    const [from, to] = [{ root: around, path: whole }, inCopy(path)];
    const isFolder = entry.type === "directory";
    const stays = isFolder && (await server.stat(to))?.type === "directory";
    if (!stays) await removeTree(server, to);
    if (entry.whiteout || !isCopied(entry)) continue;
    laid.add(path);
    if (stays) folders.set(path, { entry, from });
    else if (isFolder) await makeFolder(copying, path, { entry, from });
    else await copyFile(copying, { entry, from, to });
  }
  return laid;
}

/** The deepest first: a folder's time stands once nothing is made in it any more. */
async function finishFolders({ server, owners, folders }: Copying, there: ReadonlySet<BytePath>) {
  const all = [...folders].filter(([path]) => path === "" || there.has(path));
  all.sort(([one], [other]) => other.split("/").length - one.split("/").length || (one < other ? 1 : -1));
  for (const [path, { entry, from }] of all.filter(([path]) => path !== ""))
    await server.setAttributes(inCopy(path), asInCopy(entry, owners), from);
  const top = folders.get("");
  if (top !== undefined) await server.setAttributes(inCopy(""), asInCopy(top.entry, owners), top.from);
}

/**
 * Makes a copy of the person's folder with what the layer holds laid over it, and an index of what it was. It counts from
 * the moment that the index is written: what a Workcell leaves that is ended before is no copy. No cell uses the layer.
 */
export async function makeCopy(input: CopyInput): Promise<void> {
  const { cellfiles, folder, identity, layerFolder, owners, cancel } = input;
  const server = await openFileServer(cellfiles, [folder, layerFolder], { ownMarks: true });
  try {
    const copying: Copying = { server, owners, folders: new Map(), names: new Map(), cancel };
    await removeTree(server, { root: around, path: "copy" });
    const top = await server.stat({ root: host, path: "" });
    // SECURITY(P8): the one that was decided on, and none that was put in its place since.
    if (`${top?.device}` !== identity.device || `${top?.inode}` !== identity.inode || top === undefined)
      throw new Error("another folder took its place");
    await makeFolder(copying, "", { entry: top, from: { root: host, path: "" } });
    const onHost = new Set(await copyHost(copying, await server.scan({ root: host, path: "" })));
    const laid = await layUpper(copying);
    const made = await scanCopy(server);
    const isFolder = ([, { type }]: (typeof made)[number]) => type === "directory";
    await finishFolders(copying, new Set(made.filter(isFolder).map(([path]) => path)));
    const index = new Map<BytePath, CopiedPath>(
      [...onHost].map((path) => [path, { onHost: true, fromLayer: false }]),
    );
    for (const [path, entry] of await scanCopy(server))
      index.set(path, { onHost: onHost.has(path), fromLayer: laid.has(path), key: keyOf(entry) });
    await writeIndex(layerFolder, index);
  } finally {
    await server.close();
  }
}

/** What stands in a copy, each folder before what is in it, by its path in the person's folder. */
export async function scanCopy(
  server: FileServer,
  root: FileRoot = around,
): Promise<readonly (readonly [BytePath, Entry])[]> {
  const entries = await server.scan({ root, path: "copy" });
  return entries.map((entry) => [entry.path.slice("copy/".length), entry]);
}

export const inFolder = (folder: BytePath, path: BytePath): BytePath =>
  path === "" ? folder : joinPath(folder, path);
