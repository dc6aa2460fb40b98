import { codeOf } from "../errors/index.ts";
import type { BytePath } from "../model/index.ts";
import type { LayerEntry } from "./file-server.ts";
import { maxPathBytes } from "./file-wire.ts";

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

/** Longer is no path of a folder that is entered: what is in it could not be named in a request. */
const mostBytes = maxPathBytes - 256;

/** Everything below a folder, each folder before what is in it. With `marksDeep` what is nested too deep is marked, and not entered. */
export async function scanTree(
  list: ListFolder,
  path: BytePath,
  marksDeep = false,
): Promise<readonly LayerEntry[]> {
  const top = await list(path);
  const inside = new Map<BytePath, readonly LayerEntry[]>();
  const waiting: BytePath[] = [];
  const add = (entries: readonly LayerEntry[]) => {
    for (const { type, path: folder } of entries) {
      if (type !== "directory") continue;
      if (marksDeep && folder.length > mostBytes) inside.set(folder, []);
      else waiting.push(folder);
    }
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
  const ordered = inOrder(top, inside);
  if (!marksDeep) return ordered;
  return ordered.map((entry) => (isTooDeep(entry) ? { ...entry, tooDeep: true } : entry));
}

const isTooDeep = ({ type, path }: LayerEntry): boolean => type === "directory" && path.length > mostBytes;
