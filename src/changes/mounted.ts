import { readFileSync } from "node:fs";
import type { BytePath, Change } from "../model/index.ts";
import { isWithin } from "./byte-path.ts";

/** The kernel spells blanks and backslashes in octal. */
const unspelled = (spelled: string): string =>
  spelled.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Where other file systems are mounted below a folder; one character a byte, as `/proc/self/mountinfo` says it. */
export function mountsIn(mountinfo: string, folder: string): readonly BytePath[] {
  const top = Buffer.from(folder).toString("latin1");
  const points = mountinfo.split("\n").map((line) => unspelled(line.split(" ")[4] ?? ""));
  const below = points.filter((point) => point !== top && isWithin(point, top));
  return [...new Set(below.map((point) => point.slice(top.length + 1)))];
}

export const mountsBelow = (folder: string): readonly BytePath[] =>
  mountsIn(readFileSync("/proc/self/mountinfo", "latin1"), folder);

/** The session saw the empty folder that another file system covers: what it did there is nothing to do to what covers it. */
export function markMounted(changes: readonly Change[], mounts: readonly BytePath[]): readonly Change[] {
  if (mounts.length === 0) return changes;
  return changes.map((change) => {
    const isCovered = mounts.some(
      (mount) =>
        isWithin(change.path, mount) || (change.kind !== "attributes" && isWithin(mount, change.path)),
    );
    return isCovered
      ? { ...change, conflict: "another file system is mounted there, which the session did not see" }
      : change;
  });
}
