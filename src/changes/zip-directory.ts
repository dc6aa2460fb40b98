import { inflateRawSync } from "node:zlib";
import type { ByteSource } from "./file-description.ts";

/** One file of an archive, as its directory says; nothing of it is believed before it is checked. */
export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly offset: number;
}

const endBytes = 22;
const largestComment = 65_535;
const largestDirectory = 4 * 1024 * 1024;
const mostMembers = 20_000;
const largestMember = 1024 * 1024;

/** The directory of an archive; undefined when there is none, or one that no office file has. */
export async function zipDirectory(source: ByteSource): Promise<readonly ZipMember[] | undefined> {
  const from = Math.max(0, source.size - endBytes - largestComment);
  const tail = await source.read(from, source.size - from);
  const end = tail.lastIndexOf("PK\x05\x06", undefined, "latin1");
  if (end < 0 || end + endBytes > tail.length) return undefined;
  const [size, offset] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (size > largestDirectory || offset + size > source.size) return undefined;
  return membersOf(await source.read(offset, size));
}

function membersOf(directory: Buffer): readonly ZipMember[] {
  const members: ZipMember[] = [];
  let at = 0;
  while (at + 46 <= directory.length && members.length < mostMembers) {
    if (directory.readUInt32LE(at) !== 0x02014b50) break;
    const nameBytes = directory.readUInt16LE(at + 28);
    members.push({
      name: directory.toString("latin1", at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return members;
}

/** The text of a small member; undefined when it is large, packed in another way, or broken. */
export async function readMember(source: ByteSource, member: ZipMember): Promise<string | undefined> {
  const { offset, packedBytes, method } = member;
  if (packedBytes > largestMember || offset + 30 > source.size) return undefined;
  const head = await source.read(offset, 30);
  if (head.length < 30 || head.readUInt32LE(0) !== 0x04034b50) return undefined;
  const start = offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
  if (start + packedBytes > source.size) return undefined;
  const packed = await source.read(start, packedBytes);
  if (method === 0) return packed.toString("utf8");
  return method === 8 ? unpack(packed) : undefined;
}

function unpack(packed: Buffer): string | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: largestMember }).toString("utf8");
  } catch {
    return undefined; // zlib throws at what is broken or unpacks to more; either way nothing can be said of it
  }
}
