import type { BytePath, ChangeKind, Entry } from "../model/index.ts";
import { shownPath } from "./byte-path.ts";
import type { DeltaBody, DescribedChange, FileDelta } from "./describe-changes.ts";

const units = ["bytes", "kB", "MB", "GB", "TB"];

/** A size as a person reads it: `12 bytes`, `3.4 kB`. */
export function shownSize(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function shownMode(entry: Entry): string {
  return (entry.mode & 0o7777).toString(8).padStart(4, "0");
}

/** What a patch cannot say of a change, in one printable line; "" when there is nothing of the kind. One character a byte. */
export function remarkOf({ change, files, rest }: DescribedChange): string {
  const { path, before, after, kind } = change;
  const said = files.flatMap((file) => binaryRemark(file, path));
  const parts = [
    ...(before?.type === after?.type ? [attributesRemark(kind, before, after)] : []),
    ...folderRemark(change),
    ...said,
    rest === undefined ? "" : `${restOf(rest)} not shown`,
  ].filter((part) => part !== "");
  if (parts.length === 0) return "";
  return Buffer.from(`${shownPath(path)}: ${parts.join("; ")}`).toString("latin1");
}

/** `12 more files, 3.4 MB`. */
export const restOf = ({ files, bytes }: NonNullable<DescribedChange["rest"]>): string =>
  `${files} more file${files === 1 ? "" : "s"}, ${shownSize(bytes)},`;

function folderRemark({ kind, before, after }: DescribedChange["change"]): string[] {
  if (kind === "added" && after?.type === "directory") return ["folder added"];
  if (kind === "removed" && before?.type === "directory") return ["folder removed, with all that is in it"];
  if (kind === "changed" && before?.type !== after?.type) return [`${before?.type} became ${after?.type}`];
  const type = (after ?? before)?.type;
  return type === "socket" || type === "fifo" || type === "device" ? [`${type} ${kind}`] : [];
}

function attributesRemark(kind: ChangeKind, before: Entry | undefined, after: Entry | undefined): string {
  if (before === undefined || after === undefined) return "";
  const parts = [
    before.mode === after.mode || after.type === "symlink"
      ? ""
      : `mode ${shownMode(before)} -> ${shownMode(after)}`,
    before.uid === after.uid && before.gid === after.gid
      ? ""
      : `owner ${before.uid}:${before.gid} -> ${after.uid}:${after.gid}`,
  ].filter((part) => part !== "");
  if (parts.length === 0 && kind === "attributes") return "extended attributes changed";
  return parts.join(", ");
}

/** What is said of a file in its content's stead. */
export const wordOf = ({ kind, note }: Extract<DeltaBody, { readonly note: string }>): string =>
  note !== "" ? note : kind === "large" ? "text, too large to show" : kind;

/** A file is named where it is not the change itself, but one in a folder that went as a whole. */
function binaryRemark({ path, before, after, body }: FileDelta, of: BytePath): string[] {
  if (body.kind !== "binary" && body.kind !== "large") return [];
  const what = wordOf(body);
  if (before === undefined) return [`added, ${what}, ${shownSize(after?.size ?? 0)}`];
  const named = path === of ? "" : `${shownPath(path)} `;
  if (after === undefined) return [`${named}removed, ${what}, ${shownSize(before.size)}`];
  return [`changed, ${what}, ${shownSize(before.size)} -> ${shownSize(after.size)}`];
}
