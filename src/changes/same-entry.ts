import type { Entry } from "../model/index.ts";

/** Whether two entries differ in type or content; "unknown" when only their bytes can tell. */
export function differsIn(before: Entry, after: Entry): boolean | "unknown" {
  if (before.type !== after.type) return true;
  if (before.type === "symlink") return before.target !== after.target;
  if (before.type !== "file") return false;
  if (before.size !== after.size) return true;
  return before.size === 0 ? false : "unknown";
}

/** Whether mode, owner and extended attributes are the same. A symlink's mode means nothing. */
export function sameAttributes(before: Entry, after: Entry): boolean {
  return (
    (before.type === "symlink" || before.mode === after.mode) &&
    before.uid === after.uid &&
    before.gid === after.gid &&
    sameXattrs(before.xattrs ?? {}, after.xattrs ?? {})
  );
}

export function sameXattrs(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(before);
  return (
    names.length === Object.keys(after).length &&
    names.every((name) => Object.hasOwn(after, name) && before[name] === after[name])
  );
}
