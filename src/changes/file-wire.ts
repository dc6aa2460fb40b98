import type { BytePath, Entry, EntryType } from "../model/index.ts";
import type { CopyAs, FileRoot, Found, LayerEntry, Place } from "./file-server.ts";

/** Operations of native/cellfiles/protocol.h. */
export type Operation =
  | "stat"
  | "list"
  | "read"
  | "compare"
  | "copy"
  | "folder"
  | "link"
  | "attributes"
  | "exchange"
  | "rename"
  | "remove"
  | "sync"
  | "find";

const letters: Record<Operation, string> = {
  stat: "s",
  list: "l",
  read: "r",
  compare: "c",
  copy: "p",
  folder: "d",
  link: "n",
  attributes: "a",
  exchange: "x",
  rename: "m",
  remove: "u",
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
  | { readonly root: FileRoot }
  | { readonly u64: number }
  | { readonly u32: number }
  | { readonly text: BytePath };

/** The longest path that a request can name, in bytes. */
export const maxPathBytes = 65_535;

function byte(value: number): Buffer {
  return Buffer.of(value);
}

function u16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

function time(ns: bigint): Buffer[] {
  const nanoseconds = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return [u64((ns - nanoseconds) / nsPerSecond), u32(Number(nanoseconds))];
}

function place({ root, path, is }: Place): Buffer[] {
  const bytes = Buffer.from(path, "latin1");
  const held = is === undefined ? [byte(0)] : [byte(1), u64(is.device), u64(is.inode)];
  return [byte(root), ...held, u16(bytes.length), bytes, byte(0)];
}

function text(said: BytePath): Buffer[] {
  const bytes = Buffer.from(said, "latin1");
  return [u16(bytes.length), bytes, byte(0)];
}

function encodeField(field: Field): Buffer[] {
  if ("place" in field) return place(field.place);
  if ("root" in field) return [byte(field.root)];
  if ("u32" in field) return [u32(field.u32)];
  if ("u64" in field) return [u64(BigInt(field.u64))];
  if ("text" in field) return text(field.text);
  const { mode, uid, gid, mtimeNs } = field.as;
  return [u32(mode), u32(uid), u32(gid), ...time(mtimeNs)];
}

/** One request as cellfiles reads it. */
export function encodeRequest(operation: Operation, fields: readonly Field[]): Buffer {
  const body = [Buffer.from(letters[operation]), ...fields.flatMap(encodeField)];
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([u32(length), ...body]);
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
