import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

const ENTRY_LIMIT = 500_000;

export interface Walk {
  /** Paths relative to the folder. */
  readonly files: readonly string[];
  /** The folder holds more than is walked through. */
  readonly stopped: boolean;
  /** Folders that could not be opened. */
  readonly closed: readonly string[];
}

/** All plain files and links below a folder, except in the folders that `skips` names. Links are not followed. */
export async function walk(
  root: string,
  { skips, signal }: { readonly skips: ReadonlySet<string>; readonly signal: AbortSignal },
): Promise<Walk> {
  const files: string[] = [];
  const closed: string[] = [];
  const open = [""];
  let entries = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    signal.throwIfAborted();
    let found: Dirent[];
    try {
      found = await readdir(path.join(root, folder), { withFileTypes: true });
    } catch (error) {
      if (folder === "") throw error;
      closed.push(folder);
      continue;
    }
    for (const entry of found) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isFile() || entry.isSymbolicLink()) files.push(name);
      else if (entry.isDirectory() && !skips.has(entry.name)) open.push(name);
    }
    entries += found.length;
    if (entries > ENTRY_LIMIT) return { files, stopped: true, closed };
  }
  return { files, stopped: false, closed };
}

/** Files, the newest first; equal ones by name. */
export async function newestFirst(root: string, files: readonly string[]): Promise<string[]> {
  const dated = await Promise.all(
    files.map(async (file) => {
      const found = await stat(path.resolve(root, file)).catch(() => undefined);
      return { file, time: found?.mtimeMs ?? 0 };
    }),
  );
  return dated.sort((a, b) => b.time - a.time || (a.file < b.file ? -1 : 1)).map(({ file }) => file);
}
