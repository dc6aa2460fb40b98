import { printable } from "../lib/printable.ts";
import type { BytePath } from "../model/index.ts";

/** The path's parts; none for the folder itself. */
export function partsOf(path: BytePath): readonly string[] {
  return path === "" ? [] : path.split("/");
}

/** The folder a path lies in; "" for what lies in the connected folder itself. */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

export function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function joinPath(folder: BytePath, name: BytePath): BytePath {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: BytePath, folder: BytePath): boolean {
  return folder === "" || path === folder || path.startsWith(`${folder}/`);
}

/** The order of bytes, in which a folder comes before what is in it. */
export function compareBytes(one: BytePath, other: BytePath): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

export function bytesOf(text: BytePath): Buffer {
  return Buffer.from(text, "latin1");
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text these bytes are in UTF-8; undefined when they are not. */
export function utf8Of(text: BytePath): string | undefined {
  try {
    return strictUtf8.decode(bytesOf(text));
  } catch {
    return undefined; // any bytes may be a name
  }
}

/** The bytes as text: UTF-8 where they are, and `\xNN` for each byte that is not ASCII where they are not. */
export function readable(text: BytePath): string {
  return utf8Of(text) ?? text.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** A path as a person reads it: one line, nothing in it steers the terminal. */
export function shownPath(path: BytePath): string {
  return path === "" ? "." : printable(readable(path));
}
