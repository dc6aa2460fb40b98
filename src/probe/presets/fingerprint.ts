import { hash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";

type Mark = readonly [string, number, number, number] | readonly [string];

/** When a file changed and how long it is; for a folder, the same of all that lies in it. */
function marksOf(file: string, deep: boolean): readonly Mark[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [[file]];
  const mark: Mark = [file, stat.mtimeMs, stat.size, stat.ino];
  if (!stat.isDirectory() || !deep) return [mark];
  return [mark, ...readdirSync(file).flatMap((name) => marksOf(`${file}/${name}`, false))];
}

function safeMarksOf(file: string, deep = true): readonly Mark[] {
  try {
    return marksOf(file, deep);
  } catch {
    return [[file]]; // not ours to look at, and so not the tool's either, which runs as the same person
  }
}

/** A program that is put into a folder, or taken out, changes the folder's own time. */
export function folderMarks(folders: readonly string[]): readonly unknown[] {
  return folders.map((folder) => safeMarksOf(folder, false));
}

/** What an answer depends on. */
export interface Dependencies {
  readonly files: readonly string[];
  /** `folderMarks()` of the folders that programs are looked for in. */
  readonly searched: readonly unknown[];
  readonly variables: readonly (readonly [string, string])[];
}

/**
 * A digest of everything an answer depends on. Workcell's own version is in it as the file this code stands in.
 * It is a digest because variables may hold passwords, and the cache must not.
 */
export function fingerprint({ files, searched, variables }: Dependencies): string {
  const marks = [import.meta.filename, ...files].map((file) => safeMarksOf(file));
  return hash("sha256", JSON.stringify([marks, searched, variables]));
}
