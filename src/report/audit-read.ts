import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { codeOf } from "../errors/index.ts";
import type { AuditLine } from "../model/index.ts";
import { parseAuditLine } from "./audit-chain.ts";

const PIECE = 256 * 1024;
const NEWLINE = 0x0a;

/** One line of a log's file, as it stands there. */
export interface AuditEntry {
  readonly file: string;
  /** Line number in that file, from 1. */
  readonly number: number;
  readonly text: string;
  /** Absent when the text is no audit line. */
  readonly line: AuditLine | undefined;
  /** False for a last line without its newline: torn, or still being written. */
  readonly ended: boolean;
}

/** Where a reader stands: after the last whole line. */
interface Place {
  offset: number;
  number: number;
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The file's bytes from an offset to its end, in pieces. */
async function* piecesFrom(handle: FileHandle, offset: number): AsyncGenerator<Buffer> {
  for (let at = offset; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(PIECE), 0, PIECE, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Yields the lines after `place`, and moves it past each whole one. */
async function* linesAfter(file: string, handle: FileHandle, place: Place): AsyncGenerator<AuditEntry> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of piecesFrom(handle, place.offset)) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let from = 0;
    for (let to = rest.indexOf(NEWLINE); to >= 0; to = rest.indexOf(NEWLINE, from)) {
      const text = rest.toString("utf8", from, to);
      place.offset += to + 1 - from;
      place.number += 1;
      from = to + 1;
      yield { file, number: place.number, text, line: parseAuditLine(text), ended: true };
    }
    rest = rest.subarray(from);
  }
  if (rest.length === 0) return;
  const text = rest.toString();
  yield { file, number: place.number + 1, text, line: parseAuditLine(text), ended: false };
}

interface Generations {
  readonly older: FileHandle | undefined;
  readonly newest: FileHandle | undefined;
}

/** Opens both files so that they follow one another: a rotation in between is noticed, and they are opened anew. */
async function openGenerations(file: string): Promise<Generations> {
  for (;;) {
    const newest = await openIfThere(file);
    const older = await openIfThere(`${file}.1`);
    const still = await stat(file).catch(() => undefined);
    if (still?.ino === (await newest?.stat())?.ino) return { older, newest };
    await Promise.all([newest?.close(), older?.close()]);
  }
}

/** Every line of the log, the older generation first. A log that does not exist has none. */
export async function* readAudit(file: string): AsyncGenerator<AuditEntry> {
  const { older, newest } = await openGenerations(file);
  try {
    if (older) yield* linesAfter(`${file}.1`, older, { offset: 0, number: 0 });
    if (newest) yield* linesAfter(file, newest, { offset: 0, number: 0 });
  } finally {
    await Promise.all([older?.close(), newest?.close()]);
  }
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
}

/** True when the name leads to another file now; a rotation leaves it leading nowhere for a moment. */
async function wasRotated(file: string, handle: FileHandle): Promise<boolean> {
  const there = await stat(file).catch(() => undefined);
  return there !== undefined && there.ino !== (await handle.stat()).ino;
}

async function* wholeLines(file: string, handle: FileHandle, place: Place): AsyncGenerator<AuditEntry> {
  for await (const entry of linesAfter(file, handle, place)) if (entry.ended) yield entry;
}

/** Every line of the log, and then every new one as it comes, across rotations, until the signal. */
export async function* followAudit(file: string, options: FollowOptions): AsyncGenerator<AuditEntry> {
  const { older, newest } = await openGenerations(file);
  let current = newest;
  let place = { offset: 0, number: 0 };
  try {
    if (older) yield* wholeLines(`${file}.1`, older, { offset: 0, number: 0 });
    while (!options.signal.aborted) {
      current ??= await openIfThere(file);
      // Asked before reading: nothing is written to a file once it has been rotated, so then the end is the end.
      const rotated = current !== undefined && (await wasRotated(file, current));
      if (current) yield* wholeLines(file, current, place);
      if (rotated) {
        await current?.close();
        current = undefined;
        place = { offset: 0, number: 0 };
      } else {
        await wait(options.intervalMs ?? 200, undefined, { signal: options.signal }).catch(() => {});
      }
    }
  } finally {
    await Promise.all([older?.close(), current?.close()]);
  }
}
