import type { BytePath, Entry, EntryType } from "../model/index.ts";
import type { CopyAs, FileRoot, Found, Known, LayerEntry, Place, Replaced } from "./file-server.ts";

/** Operations of native/cellfiles/protocol.h. */
export type Operation =
  | "stat"
  | "look"
  | "list"
  | "read"
  | "compare"
  | "copy"
  | "copies"
  | "folder"
  | "link"
  | "attributes"
  | "exchange"
  | "replace"
  | "rename"
  | "remove"
  | "clear"
  | "whiteout"
  | "sync"
  | "find";

const letters: Record<Operation, string> = {
  stat: "s",
  look: "k",
  list: "l",
  read: "r",
  compare: "c",
  copy: "p",
  copies: "b",
  folder: "d",
  link: "n",
  attributes: "a",
  exchange: "x",
  replace: "o",
  rename: "m",
  remove: "u",
  clear: "e",
  whiteout: "w",
  sync: "y",
  find: "f",
};

const types: readonly EntryType[] = ["file", "directory", "symlink", "fifo", "socket", "device"];
const WHITEOUT = 1;
const OPAQUE = 2;
/** Kinds of what a search tells, besides entries. */
const UNREAD = 1;
const CUT = 2;
const nsPerSecond = 1_000_000_000n;

/** What a request holds, in the order of its fields. */
export type Field =
  | { readonly place: Place }
  | { readonly as: CopyAs }
  | { readonly known: Known }
  | { readonly root: FileRoot }
  | { readonly u64: number }
  | { readonly u32: number }
  | { readonly text: BytePath };

/** The longest path that a request can name, in bytes. */
export const maxPathBytes = 65_535;

/** How many bytes a field takes. */
function sizeOf(field: Field): number {
  if ("place" in field) return 1 + (field.place.is === undefined ? 1 : 17) + textSize(field.place.path);
  if ("root" in field) return 1;
  if ("u32" in field) return 4;
  if ("u64" in field) return 8;
  if ("text" in field) return textSize(field.text);
  return "known" in field ? 33 : 24;
}

/** Length, a byte for each character, NUL. */
const textSize = (text: BytePath): number => 3 + text.length;

/** Bytes of a request that is laid out once: some ten thousand are on the way at a time. */
class Writer {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  u8(value: number): void {
    this.#at = this.bytes.writeUInt8(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.bytes.writeUInt32LE(value, this.#at);
  }

  u64(value: bigint): void {
    this.#at = this.bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#at);
  }

  text(text: BytePath): void {
    this.#at = this.bytes.writeUInt16LE(text.length, this.#at);
    this.#at += this.bytes.write(text, this.#at, "latin1");
    this.u8(0);
  }

  place({ root, path, is }: Place): void {
    this.u8(root);
    this.u8(is === undefined ? 0 : 1);
    if (is !== undefined) {
      this.u64(is.device);
      this.u64(is.inode);
    }
    this.text(path);
  }

  as({ mode, uid, gid, mtimeNs }: CopyAs): void {
    for (const number of [mode, uid, gid]) this.u32(number);
    this.time(mtimeNs);
  }

  time(timeNs: bigint): void {
    const nanoseconds = ((timeNs % nsPerSecond) + nsPerSecond) % nsPerSecond;
    this.u64((timeNs - nanoseconds) / nsPerSecond);
    this.u32(Number(nanoseconds));
  }

  known({ toCtime, size, mtimeNs, ctimeNs }: Known): void {
    this.u8(toCtime ? 1 : 0);
    this.u64(BigInt(size));
    this.time(mtimeNs);
    this.time(ctimeNs);
  }

  field(field: Field): void {
    if ("place" in field) this.place(field.place);
    else if ("root" in field) this.u8(field.root);
    else if ("u32" in field) this.u32(field.u32);
    else if ("u64" in field) this.u64(BigInt(field.u64));
    else if ("text" in field) this.text(field.text);
    else if ("known" in field) this.known(field.known);
    else this.as(field.as);
  }
}

/** One request as cellfiles reads it. */
export function encodeRequest(operation: Operation, fields: readonly Field[]): Buffer {
  const length = fields.reduce((sum, field) => sum + sizeOf(field), 1);
  const writer = new Writer(4 + length);
  writer.u32(length);
  writer.u8(letters[operation].charCodeAt(0));
  for (const field of fields) writer.field(field);
  return writer.bytes;
}

/** What an answer's bytes say, taken in order. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #pass(length: number): number {
    this.#at += length;
    return this.#at - length;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#pass(1));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#pass(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#pass(8));
  }

  timeNs(): bigint {
    const seconds = this.#bytes.readBigInt64LE(this.#pass(8));
    return seconds * nsPerSecond + BigInt(this.u32());
  }

  latin1(length: number): string {
    const from = this.#pass(length);
    return this.#bytes.toString("latin1", from, from + length);
  }

  text(): string {
    const text = this.latin1(this.#bytes.readUInt16LE(this.#pass(2)));
    this.#pass(1);
    return text;
  }
}

function readXattrs(reader: Reader): Record<string, string> | undefined {
  let xattrs: Record<string, string> | undefined;
  for (let name = reader.text(); name !== ""; name = reader.text()) {
    xattrs ??= Object.create(null) as Record<string, string>;
    xattrs[name] = reader.latin1(reader.u32());
  }
  return xattrs;
}

function readEntry(reader: Reader): Entry & { readonly marks: number } {
  const type = types[reader.byte()] ?? "device";
  const marks = reader.byte();
  const fields = {
    type,
    mode: reader.u32(),
    uid: reader.u32(),
    gid: reader.u32(),
    size: Number(reader.u64()),
    mtimeNs: reader.timeNs(),
    ctimeNs: reader.timeNs(),
    device: reader.u64(),
    inode: reader.u64(),
    links: Number(reader.u64()),
  };
  const target = reader.text();
  const xattrs = readXattrs(reader);
  return {
    ...fields,
    marks,
    ...(type === "symlink" ? { target } : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

/** The entry that an answer holds; undefined for none. */
export function decodeEntry(bytes: Buffer): Entry | undefined {
  if (bytes.length === 0) return undefined;
  const { marks: _, ...entry } = readEntry(new Reader(bytes));
  return entry;
}

/** As many entries as an answer holds. */
export function decodeEntries(bytes: Buffer): Entry[] {
  const reader = new Reader(bytes);
  const entries: Entry[] = [];
  while (!reader.isAtEnd) {
    const { marks: _, ...entry } = readEntry(reader);
    entries.push(entry);
  }
  return entries;
}

/** Entries of a folder by their names. */
export function decodeNamed(bytes: Buffer): ReadonlyMap<string, Entry> {
  const reader = new Reader(bytes);
  const named = new Map<string, Entry>();
  while (!reader.isAtEnd) {
    const name = reader.text();
    const { marks: _, ...entry } = readEntry(reader);
    named.set(name, entry);
  }
  return named;
}

/** How far a replacement came. */
export function decodeReplaced(bytes: Buffer): Replaced {
  const now = decodeEntry(bytes.subarray(1));
  return { isKept: bytes[0] === 1, ...(now !== undefined && { now }) };
}

/** A folder's entries, in the byte order of their names, with paths below the root. */
export function decodeListing(bytes: Buffer, folder: BytePath): LayerEntry[] {
  const reader = new Reader(bytes);
  const prefix = folder === "" ? "" : `${folder}/`;
  const entries: LayerEntry[] = [];
  while (!reader.isAtEnd) {
    const path = prefix + reader.text();
    const { marks, ...entry } = readEntry(reader);
    entries.push({
      path,
      ...entry,
      whiteout: (marks & WHITEOUT) !== 0,
      opaque: (marks & OPAQUE) !== 0,
    });
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What a search found, in the order in which it was met. */
export function decodeFound(bytes: Buffer): Found {
  const reader = new Reader(bytes);
  const entries = new Map<BytePath, Entry>();
  const unread: BytePath[] = [];
  let isCut = false;
  while (!reader.isAtEnd) {
    const kind = reader.byte();
    const path = reader.text();
    if (kind === UNREAD) unread.push(path);
    else if (kind === CUT) isCut = true;
    else {
      const { marks: _, ...entry } = readEntry(reader);
      entries.set(path, entry);
    }
  }
  return { entries, unread, isCut };
}

/** What a refusal says: the errno, and the step that failed. */
export function decodeRefusal(bytes: Buffer): { readonly errno: number; readonly step: string } {
  return { errno: bytes.readUInt32LE(0), step: bytes.toString("latin1", 4) };
}
