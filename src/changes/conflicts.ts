import type { BytePath, Entry } from "../model/index.ts";
import { shownPath } from "./byte-path.ts";
import { isTime } from "./kept-time.ts";

/** What stands as Workcell itself left it. */
export interface Written {
  readonly inode: bigint;
  readonly ctimeNs: bigint;
}

/** What tells a change of the host's own from what was there and from what Workcell wrote. */
export interface HostHistory {
  /** The kernel's own clock when the folder was connected. */
  readonly baseTimeNs: bigint;
  readonly known: ReadonlyMap<BytePath, Written>;
}

const afterwards = "on the host after the folder was connected";

function isNewer(history: HostHistory, path: BytePath, entry: Entry): boolean {
  if (entry.ctimeNs < history.baseTimeNs) return false;
  const written = history.known.get(path);
  return written?.inode !== entry.inode || written.ctimeNs !== entry.ctimeNs;
}

/** What the host did to an entry since the folder was connected; undefined: nothing. */
export function conflictAt(history: HostHistory, path: BytePath, entry: Entry): string | undefined {
  return isNewer(history, path, entry) ? `changed ${afterwards}` : undefined;
}

/**
 * The same for a folder, whose ctime also moves when something in it does: then both its times are one. A rename moves ctime
 * alone, so that a folder put into another's place, whose files are as old as they were, is told from one that was worked in.
 */
export function conflictIfMoved(history: HostHistory, path: BytePath, entry: Entry): string | undefined {
  if (entry.type !== "directory" || isTime(entry.mtimeNs, entry.ctimeNs)) return undefined;
  if (!isNewer(history, path, entry)) return undefined;
  return `"${shownPath(path)}" was moved or changed ${afterwards}`;
}

/** An entry with where it stands. */
export interface Listed extends Entry {
  readonly path: BytePath;
}

/** What the host changed in what shall go: the entry itself, or the first of those below it. */
export function conflictOfRemoval(
  history: HostHistory,
  entry: Listed,
  below: readonly Listed[],
): string | undefined {
  if (entry.type !== "directory") return conflictAt(history, entry.path, entry);
  const moved = conflictIfMoved(history, entry.path, entry);
  if (moved !== undefined) return moved;
  // An empty folder that the host made has nothing in it that would tell.
  if (below.length === 0) return conflictAt(history, entry.path, entry);
  for (const [index, inside] of below.entries()) {
    const isFilled = below[index + 1]?.path.startsWith(`${inside.path}/`) === true;
    if (inside.type === "directory" && isFilled) {
      const movedInside = conflictIfMoved(history, inside.path, inside);
      if (movedInside !== undefined) return movedInside;
    } else if (isNewer(history, inside.path, inside)) {
      return `"${shownPath(inside.path)}" in it was changed ${afterwards}`;
    }
  }
  return undefined;
}
