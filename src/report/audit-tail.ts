import { appendFile, type FileHandle, open } from "node:fs/promises";
import { codeOf } from "../errors/index.ts";
import { type ChainEnd, GENESIS, hashOf, parseAuditLine } from "./audit-chain.ts";

const NEWLINE = 0x0a;

/** What stands at the end of a log. */
export interface Tail {
  readonly size: number;
  /** Where the chain stands; absent when no line of the file can be read. */
  readonly end: ChainEnd | undefined;
  /** Bytes after the last newline: what a crash left of a line. */
  readonly torn: Buffer;
}

async function readBack(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, from + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

/** The last line among whole lines that can be read at all; a broken one stays where it is, as evidence. */
function lastReadable(whole: string): ChainEnd | undefined {
  for (const text of whole.split("\n").reverse()) {
    const line = parseAuditLine(text);
    if (line !== undefined) return { seq: line.seq, hash: line.hash };
  }
  return undefined;
}

/** Reads a log from its end, in growing pieces, up to the last line that can be read. */
export async function readTail(handle: FileHandle, firstPiece = 64 * 1024): Promise<Tail> {
  const { size } = await handle.stat();
  for (let piece = firstPiece; ; piece *= 4) {
    const from = Math.max(0, size - piece);
    const bytes = await readBack(handle, from, size);
    const lastNewline = bytes.lastIndexOf(NEWLINE);
    // The first line of a piece may be cut, except where the piece is the whole file.
    const firstWhole = from === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    const end = lastReadable(bytes.subarray(firstWhole, lastNewline + 1).toString());
    if (from === 0 || (end !== undefined && lastNewline >= 0)) {
      return { size, end, torn: bytes.subarray(lastNewline + 1) };
    }
  }
}

/** True when a torn tail lacks nothing but its newline. */
export function isWholeLine(torn: Buffer, end: ChainEnd | undefined): boolean {
  const line = parseAuditLine(torn.toString());
  return line !== undefined && line.hash === hashOf(line) && line.prev === (end?.hash ?? line.prev);
}

/** Where the chain stands in the generation before; the very beginning when there is none. */
export async function endOfOlder(file: string): Promise<ChainEnd> {
  const beginning = { seq: 0, hash: GENESIS };
  try {
    const handle = await open(`${file}.1`, "r");
    try {
      return (await readTail(handle)).end ?? beginning;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return beginning;
    throw error;
  }
}

/** Takes a torn tail out of the log into `audit.jsonl.torn`, so that nothing that was written is lost. */
export async function setAside(file: string, handle: FileHandle, tail: Tail, time: string): Promise<void> {
  const record = { time, after: tail.end?.seq ?? 0, torn: tail.torn.toString() };
  await appendFile(`${file}.torn`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await handle.truncate(tail.size - tail.torn.length);
}
