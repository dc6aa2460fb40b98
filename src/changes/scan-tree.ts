import { codeOf } from "../errors/index.ts";
import type { BytePath } from "../model/index.ts";
import type { LayerEntry } from "./file-server.ts";

/** A folder's own entries, in the byte order of their names. */
export type ListFolder = (path: BytePath) => Promise<readonly LayerEntry[]>;

/** How many folders are asked for at once; it bounds what is on the way, not what is found. */
const atOnce = 512;

function isGone(error: unknown): boolean {
  return error instanceof Error && codeOf(error.cause) === "ENOENT";
}

/** A folder that went since its own folder was read is left out with all that was in it. */
async function listIfThere(list: ListFolder, path: BytePath): Promise<readonly LayerEntry[] | undefined> {
  try {
    return await list(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Puts each folder's entries behind it. Without recursion, for folders are nested deeper than a stack. */
function inOrder(
  top: readonly LayerEntry[],
  inside: ReadonlyMap<BytePath, readonly LayerEntry[]>,
): LayerEntry[] {
  const ordered: LayerEntry[] = [];
  const open = [{ entries: top, at: 0 }];
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const entry = current.entries[current.at++];
    if (entry === undefined) {
      open.pop();
      continue;
    }
    const entries = entry.type === "directory" ? inside.get(entry.path) : [];
    if (entries === undefined) continue;
    ordered.push(entry);
    if (entries.length > 0) open.push({ entries, at: 0 });
  }
  return ordered;
}

/** Everything below a folder, each folder before what is in it. */
export async function scanTree(list: ListFolder, path: BytePath): Promise<readonly LayerEntry[]> {
  const top = await list(path);
  const inside = new Map<BytePath, readonly LayerEntry[]>();
  const waiting: BytePath[] = [];
  const add = (entries: readonly LayerEntry[]) => {
    for (const { type, path: folder } of entries) if (type === "directory") waiting.push(folder);
  };
  add(top);
  while (waiting.length > 0) {
    const folders = waiting.splice(-atOnce);
    const listings = await Promise.all(folders.map((folder) => listIfThere(list, folder)));
    listings.forEach((entries, index) => {
      if (entries === undefined) return;
      inside.set(folders[index] ?? "", entries);
      add(entries);
    });
  }
  return inOrder(top, inside);
}
