import { codeOf } from "../errors/index.ts";
import type { BytePath, Entry } from "../model/index.ts";
import { isWithin } from "./byte-path.ts";
import type { FileFinder, FileRoot } from "./file-server.ts";

export interface FindInput {
  readonly server: FileFinder;
  readonly root: FileRoot;
  /** Folders that are left out with all that is in them. */
  readonly excluded?: readonly BytePath[];
}

const mostUnread = 1000;
const mostEntries = 20_000_000;

const faultOf = (error: unknown) => (error instanceof Error && codeOf(error.cause)) || "EIO";

/** Whatever in a whole folder has one of these names (see FileFinder), too deep and too many folders included. */
export async function findEntries(
  { server, root, excluded = [] }: FindInput,
  names: readonly string[],
  most = mostEntries,
): Promise<{ readonly entries: ReadonlyMap<BytePath, Entry>; readonly isWhole: boolean }> {
  const entries = new Map<BytePath, Entry>();
  const [waiting, asked] = [[""], new Set<BytePath>([""])];
  let isWhole = true;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const found = await server.find({ root, path }, names, most).catch(faultOf);
    if (typeof found === "string") {
      // One that went in between is none; and what is shut against us is shut against the cell, which is no more than we.
      isWhole &&= path !== "" && ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(found);
      continue;
    }
    isWhole &&= !found.isCut;
    for (const [at, entry] of found.entries)
      if (!excluded.some((inner) => isWithin(at, inner))) entries.set(at, entry);
    for (const unread of found.unread) {
      if (asked.has(unread) || excluded.some((inner) => isWithin(unread, inner))) continue;
      if (asked.size > mostUnread) isWhole = false;
      else waiting.push(unread);
      asked.add(unread);
    }
  }
  return { entries, isWhole };
}
