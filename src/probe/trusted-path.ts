import { realpathSync, statSync } from "node:fs";
import path from "node:path";

/** The path with every link resolved; undefined where nothing is there, or nothing that may be reached. */
export function realPathOf(file: string): string | undefined {
  try {
    // An exception costs more than a look, and absent folders are common in PATH.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
    return realpathSync.native(file);
  } catch {
    return undefined; // gone since, or not ours to reach
  }
}

/** True when the file is one of the folders or lies in one. */
export function isInsideAny(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => file === folder || file.startsWith(`${folder}/`));
}

/** The excluded folders under both their names, since a link may lead into one. */
export function withRealPaths(exclude: readonly string[]): readonly string[] {
  return [...new Set(exclude.flatMap((folder) => [folder, realPathOf(folder) ?? folder]))];
}

/**
 * The folders of PATH that programs are looked for in: absolute ones, outside `untrusted`. A relative one means
 * another folder in each working directory, and one inside a connected folder is the cell's to write: either would
 * let a cell choose what runs on the host.
 */
export function searchedPath(
  searchPath: string | undefined,
  untrusted: readonly string[],
): readonly string[] {
  const folders = [...new Set((searchPath ?? "").split(":"))];
  return folders.filter((folder) => path.isAbsolute(folder) && !isInsideAny(folder, untrusted));
}

/** Those of them that exist and do not lead into an untrusted folder by a link: what a program is started with. */
export function trustedPath(folders: readonly string[], untrusted: readonly string[]): readonly string[] {
  return folders.filter((folder) => {
    const target = realPathOf(folder);
    return target !== undefined && !isInsideAny(target, untrusted);
  });
}
