import type { BytePath, Change, Entry } from "../model/index.ts";
import { compareBytes, joinPath, nameOf, parentOf, partsOf } from "./byte-path.ts";
import {
  conflictAt,
  conflictIfMoved,
  conflictOfRemoval,
  type HostHistory,
  type Listed,
} from "./conflicts.ts";
import type { FileRoot, FileServer, LayerEntry, Place } from "./file-server.ts";
import { pipelinedAll } from "./pipelined.ts";
import { differsIn, sameAttributes } from "./same-entry.ts";

export interface ReadChangesInput extends HostHistory {
  readonly server: FileServer;
  /** What the session wrote, as overlayfs keeps it. */
  readonly layer: FileRoot;
  /** The person's folder. */
  readonly folder: FileRoot;
  /** What the layer holds, where it was read already: `scanLayer`. */
  readonly entries?: readonly LayerEntry[];
}

/** All that a layer holds. */
export const scanLayer = (server: FileServer, layer: FileRoot): Promise<readonly LayerEntry[]> =>
  server.scan({ root: layer, path: "" }, { marksDeep: true });

/** Calls under way at once: enough that the server never waits for us. */
const window = 512;

/** What is known of a folder of the layer when its contents are looked at. */
interface Folder {
  /** Whether the person's folder has a folder here as well. */
  readonly onHost: boolean;
  /** What the person's folder has below, once it had to be listed because the layer hides it. */
  readonly hidden?: ReadonlyMap<BytePath, Entry>;
  /** A conflict that everything below inherits: the host moved this folder, or one above, to where it is. */
  readonly conflict?: string;
}

interface Reading extends ReadChangesInput {
  readonly folders: Map<BytePath, Folder>;
  /** What the person's folder has below the folders that hide it, one list for each outermost of them. */
  readonly listings: ReadonlyMap<BytePath, Entry>[];
  readonly found: Change[];
  /** What the person's folder has at paths of the level that is read, as far as several of a folder were asked for together. */
  readonly looked: Map<BytePath, Entry | undefined>;
}

/**
 * Reads what a layer makes different from the person's folder: each folder before what is in it, in the order of
 * bytes. Times alone are no change, and neither are the attributes of the connected folder itself.
 */
export async function readChanges(input: ReadChangesInput): Promise<readonly Change[]> {
  const entries = input.entries ?? (await scanLayer(input.server, input.layer));
  const reading: Reading = {
    ...input,
    folders: new Map([["", { onHost: true }]]),
    listings: [],
    found: [],
    looked: new Map(),
  };
  for (const level of levelsOf(entries)) {
    await lookAtHosts(reading, level);
    await pipelinedAll(level, window, (entry) => readEntry(reading, entry));
  }
  findHidden(reading, entries);
  return withLinks(reading.found.sort((one, other) => compareBytes(one.path, other.path)));
}

/** The entries by depth: a folder is known before anything in it is asked for. */
function levelsOf(entries: readonly LayerEntry[]): readonly LayerEntry[][] {
  const levels: LayerEntry[][] = [];
  for (const entry of entries) {
    const depth = partsOf(entry.path).length;
    while (levels.length < depth) levels.push([]);
    levels[depth - 1]?.push(entry);
  }
  return levels;
}

async function readEntry(reading: Reading, layerEntry: LayerEntry): Promise<void> {
  const { path } = layerEntry;
  const parent = reading.folders.get(parentOf(path));
  // Below something that is no folder in the layer: a layer changed by hand. It has nothing that could be carried over.
  if (parent === undefined) return;
  const host = await hostEntry(reading, parent, path);
  const after = entryOf(layerEntry);
  const change = layerEntry.whiteout ? removal(path, host) : await difference(reading, path, host, after);
  if (!layerEntry.whiteout && after.type === "directory") {
    await enterFolder(reading, { layerEntry, host, parent });
  }
  if (change !== undefined) {
    reading.found.push(await withConflict(reading, change, parent));
  }
}

/** So many names of one folder are asked for together; of fewer than that each is asked for by itself. */
const [atMost, atLeast] = [128, 4];

async function lookAtHosts(reading: Reading, level: readonly LayerEntry[]): Promise<void> {
  reading.looked.clear();
  const inFolders = new Map<BytePath, BytePath[]>();
  for (const { path } of level) {
    const folder = parentOf(path);
    const names = inFolders.get(folder);
    if (names !== undefined) names.push(nameOf(path));
    else {
      const { onHost, hidden } = reading.folders.get(folder) ?? {};
      if (onHost === true && hidden === undefined) inFolders.set(folder, [nameOf(path)]);
    }
  }
  const asked = [...inFolders].flatMap(([folder, names]) =>
    names.length < atLeast ? [] : chunksOf(names, atMost).map((some) => ({ folder, names: some })),
  );
  await pipelinedAll(asked, window, (some) => lookAtSome(reading, some));
}

/** Where they cannot be looked at together, each is asked for by itself, and fails by itself. */
async function lookAtSome(
  { server, folder: root, looked }: Reading,
  { folder, names }: { readonly folder: BytePath; readonly names: readonly string[] },
): Promise<void> {
  const there = await server.lookAt({ root, path: folder }, names).catch(() => undefined);
  if (there === undefined) return;
  for (const name of names) looked.set(joinPath(folder, name), there.get(name));
}

function chunksOf<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) =>
    items.slice(index * length, (index + 1) * length),
  );
}

async function hostEntry(reading: Reading, parent: Folder, path: BytePath): Promise<Entry | undefined> {
  if (!parent.onHost) return undefined;
  if (parent.hidden !== undefined) return parent.hidden.get(path);
  if (reading.looked.has(path)) return reading.looked.get(path);
  return reading.server.stat({ root: reading.folder, path });
}

function entryOf({ path: _path, whiteout: _whiteout, opaque: _opaque, ...entry }: LayerEntry): Entry {
  return entry;
}

function removal(path: BytePath, before: Entry | undefined): Change | undefined {
  return before === undefined ? undefined : { path, kind: "removed", before };
}

async function difference(
  reading: Reading,
  path: BytePath,
  before: Entry | undefined,
  after: Entry,
): Promise<Change | undefined> {
  if (before === undefined) return { path, kind: "added", after };
  const content = differsIn(before, after);
  const differs =
    content === "unknown"
      ? !(await reading.server.isSame({ root: reading.folder, path }, { root: reading.layer, path }))
      : content;
  if (differs) return { path, kind: "changed", before, after };
  return sameAttributes(before, after) ? undefined : { path, kind: "attributes", before, after };
}

async function enterFolder(
  reading: Reading,
  at: { readonly layerEntry: LayerEntry; readonly host: Entry | undefined; readonly parent: Folder },
): Promise<void> {
  const { path, opaque } = at.layerEntry;
  const onHost = at.host?.type === "directory";
  // Below what hides the host's folder everything hides, whether the layer says it again or not.
  const hidden =
    at.parent.hidden ??
    (onHost && opaque ? await listing(reading, { root: reading.folder, path }) : undefined);
  const conflict =
    at.parent.conflict ?? (at.host === undefined ? undefined : conflictIfMoved(reading, path, at.host));
  reading.folders.set(path, {
    onHost,
    ...(onHost && hidden !== undefined && { hidden }),
    ...(conflict !== undefined && { conflict }),
  });
}

async function listing(reading: Reading, place: Place): Promise<ReadonlyMap<BytePath, Entry>> {
  const entries = await reading.server.scan(place);
  const listed = new Map(entries.map((entry) => [entry.path, entryOf(entry)]));
  reading.listings.push(listed);
  return listed;
}

/** What the person's folder has and a folder of the layer hides without having it: removed, each as a whole. */
function findHidden(reading: Reading, entries: readonly LayerEntry[]): void {
  const kept = new Set(entries.map((entry) => entry.path));
  for (const listed of reading.listings) {
    const removed = new Map<BytePath, { readonly before: Entry; readonly below: Listed[] }>();
    const rootOf = new Map<BytePath, BytePath>();
    for (const [path, entry] of listed) {
      const root = rootOf.get(parentOf(path));
      if (root !== undefined) {
        rootOf.set(path, root);
        removed.get(root)?.below.push({ ...entry, path });
      } else if (!kept.has(path) && reading.folders.get(parentOf(path))?.onHost) {
        rootOf.set(path, path);
        removed.set(path, { before: entry, below: [] });
      }
    }
    for (const [path, { before, below }] of removed) {
      const inherited = reading.folders.get(parentOf(path))?.conflict;
      const conflict = inherited ?? conflictOfRemoval(reading, { ...before, path }, below);
      reading.found.push({ path, kind: "removed", before, ...(conflict !== undefined && { conflict }) });
    }
  }
}

/** What is only added overwrites nothing, wherever its folder came from. */
async function withConflict(reading: Reading, change: Change, parent: Folder): Promise<Change> {
  const { path, before, kind } = change;
  if (before === undefined) return change;
  const conflict =
    parent.conflict ??
    (kind === "attributes" ? conflictAt(reading, path, before) : await conflictOf(reading, path, before));
  return conflict === undefined ? change : { ...change, conflict };
}

/** What speaks against replacing or taking away what the host has at a path, and all below it. */
async function conflictOf(reading: Reading, path: BytePath, before: Entry): Promise<string | undefined> {
  const below = before.type === "directory" ? await reading.server.scan({ root: reading.folder, path }) : [];
  return conflictOfRemoval(reading, { ...before, path }, below);
}

/** Names of one file of the session point to the first of them in the list. */
function withLinks(changes: readonly Change[]): readonly Change[] {
  const first = new Map<string, BytePath>();
  return changes.map((change) => {
    const { after } = change;
    if (after?.type !== "file" || after.links < 2) return change;
    const file = `${after.device}:${after.inode}`;
    const sameFileAs = first.get(file);
    if (sameFileAs !== undefined) return { ...change, sameFileAs };
    first.set(file, change.path);
    return change;
  });
}
