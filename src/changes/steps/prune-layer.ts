import type { BytePath, Change } from "../../model/index.ts";
import { joinPath, nameOf, parentOf } from "../byte-path.ts";
import type { FileRoot, FileServer, LayerEntry, Place } from "../file-server.ts";
import { dealtAll, type Lanes } from "../lanes.ts";
import { pipelinedAll } from "../pipelined.ts";
import { scanLayer } from "../read-changes.ts";
import { newToken } from "./run-step.ts";
import { copyTree, errnoOf, isServerGone, removeTree } from "./trees.ts";

const WINDOW = 256;

/** Every path with its folders, up to the connected one. */
function withFolders(paths: Iterable<BytePath>): Set<BytePath> {
  const all = new Set<BytePath>();
  for (const path of paths) for (let at = path; at !== "" && !all.has(at); at = parentOf(at)) all.add(at);
  return all;
}

/** Whether one of the folders that a path lies in is among these; the path itself does not count. */
function liesIn(folders: ReadonlySet<BytePath>, path: BytePath): boolean {
  for (let at = parentOf(path); at !== ""; at = parentOf(at)) if (folders.has(at)) return true;
  return false;
}

const hidingIn = (entries: readonly LayerEntry[]): Set<BytePath> =>
  new Set(entries.filter(({ opaque }) => opaque).map(({ path }) => path));

/** What a layer must go on holding so that these changes stay pending, and nothing else is hidden. */
function needed(entries: readonly LayerEntry[], pending: readonly Change[]): (path: BytePath) => boolean {
  const wanted = withFolders(pending.map(({ path }) => path));
  // What is in a folder that hides the host's would be gone for the cell, if it went from the layer.
  const hiding = hidingIn(entries.filter(({ path }) => wanted.has(path)));
  return (path) => wanted.has(path) || liesIn(hiding, path);
}

/** A layer and what it lies in. */
export interface LayerRoots {
  readonly server: FileServer;
  /** That server and further ones, for work that is in no order. */
  readonly lanes: Lanes;
  readonly layer: FileRoot;
  /** The folder that the layer's own lies in, on the same file system. */
  readonly around: FileRoot;
}

/** What is on its way out of a layer, in the folder around it. */
const isLeaving = (name: string): boolean => name.startsWith(".gone-");

/** Takes away what an ended Workcell had begun to. `names` are those in the folder around the layer. */
export async function clearLeaving({ server, around }: LayerRoots, names: readonly string[]): Promise<void> {
  for (const path of names.filter(isLeaving)) await removeTree(server, { root: around, path });
}

/**
 * Takes out of a layer what was carried over or is no change: only what is still pending stays. No cell may run on it. `entries`
 * are what it held when the changes were read: what somebody else put there since was never seen, and stays.
 */
export async function pruneLayer(
  roots: LayerRoots,
  pending: readonly Change[],
  entries: readonly LayerEntry[],
): Promise<void> {
  const { server, layer } = roots;
  const isNeeded = needed(entries, pending);
  const all = entries.filter(({ path }) => !isNeeded(path));
  const servers = await roots.lanes.serversFor(all.length);
  const hiding = hidingIn(all);
  for (const { path, tooDeep } of all)
    if (tooDeep === true && !liesIn(hiding, path)) await takeOut(roots, path, server);
  // SECURITY: half emptied, a folder that hides the host's would say that the person's own files there were removed.
  const tops = [...hiding].filter((path) => !liesIn(hiding, path));
  await dealtAll(servers, { items: tops, window: WINDOW }, (path, by) => takeOut(roots, path, by));
  const gone = all.filter(
    ({ path, tooDeep }) => tooDeep !== true && !hiding.has(path) && !liesIn(hiding, path),
  );
  const isFolder = ({ type }: LayerEntry) => type === "directory";
  const files = gone.filter((entry) => !isFolder(entry)).map(({ path }) => path);
  await dealtAll(servers, { items: byFolder(files), window: WINDOW }, (some, by) => clear(by, layer, some));
  // Deepest first, and once they are empty: one server keeps the order.
  await pipelinedAll(gone.filter(isFolder).reverse(), WINDOW, ({ path }) =>
    removeIfFree(server, { root: layer, path }),
  );
}

/** How many of one folder's files go at a time, so that the servers share a large one. */
const AT_A_TIME = 128;

/** Files in their folders, so many of one at a time. */
function byFolder(paths: readonly BytePath[]): readonly (readonly BytePath[])[] {
  const all: BytePath[][] = [];
  const open = new Map<BytePath, BytePath[]>();
  for (const path of paths) {
    const folder = parentOf(path);
    const some = open.get(folder);
    if (some !== undefined && some.length < AT_A_TIME) some.push(path);
    else {
      const next = [path];
      open.set(folder, next);
      all.push(next);
    }
  }
  return all;
}

/** Files of one folder. Where one of them stays, each is asked for by itself: the others go. */
async function clear(server: FileServer, root: FileRoot, paths: readonly BytePath[]): Promise<void> {
  try {
    await server.clear({ root, path: parentOf(paths[0] ?? "") }, paths.map(nameOf));
  } catch (error) {
    if (isServerGone(error)) throw error;
    for (const path of paths) await removeIfFree(server, { root, path });
  }
}

/** In one step, and whole. */
async function takeOut({ layer, around }: LayerRoots, path: BytePath, server: FileServer): Promise<void> {
  const leaving = { root: around, path: `.gone-${newToken()}` };
  await server.rename({ root: layer, path }, leaving);
  await removeTree(server, leaving);
}

/**
 * Where a machine has no way past the bits of what a cell shut, it stays: it says what the host has already. To open it first
 * would be a change of its own, if this is ended in between.
 */
async function removeIfFree(server: FileServer, place: Place): Promise<void> {
  await server.remove(place).catch((error: unknown) => {
    if (!["EACCES", "ENOTEMPTY", "ENOENT"].includes(errnoOf(error) ?? "")) throw error;
  });
}

/**
 * Puts what the host has in the layer, in one step: a layer in which half of it stood would say that the rest was
 * removed.
 */
async function putHosts(server: FileServer, host: Place, place: Place): Promise<void> {
  const draft = { ...place, path: joinPath(parentOf(place.path), `.workcell-${newToken()}`) };
  try {
    await copyTree(server, host, draft);
  } catch (error) {
    // Left there, it would be a change.
    if (!isServerGone(error)) await removeTree(server, draft).catch(() => undefined);
    throw error;
  }
  if ((await server.stat(place)) === undefined) await server.rename(draft, place);
  else {
    await server.exchange(draft, place);
    await removeTree(server, draft);
  }
}

/** Takes changes back in the layer alone: at their paths the session sees the person's folder again. */
export async function discardChanges(
  input: LayerRoots & { readonly folder: FileRoot },
  all: readonly Change[],
  discarded: readonly Change[],
): Promise<void> {
  const { server, layer, folder } = input;
  const hiding = hidingIn(await scanLayer(server, layer));
  const chosen = new Set(discarded.map(({ path }) => path));
  for (const { path, before, kind } of discarded) {
    const place = { root: layer, path };
    const host = { root: folder, path };
    // A folder stays as long as something below it is pending.
    if (kind === "attributes" && before?.type === "directory")
      await server.setAttributes(place, before, host);
    else if (liesIn(hiding, path)) {
      // Below a folder that hides the host's, what the host has must stand in the layer to be seen.
      if (before === undefined) await removeTree(server, place);
      else await putHosts(server, host, place);
    }
  }
  const left = all.filter(({ path }) => !chosen.has(path));
  await pruneLayer(input, left, await scanLayer(server, layer));
}
