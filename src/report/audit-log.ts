import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { AuditEvent, AuditLine } from "../model/index.ts";
import { type ChainEnd, sealEvent } from "./audit-chain.ts";
import { followed, keepEnd, readEnd } from "./audit-end.ts";
import { endOfOlder, isWholeLine, readTail, setAside } from "./audit-tail.ts";

/** The person's log of decisions, as one process writes to it. */
export interface AuditLog {
  /** Takes an event down; it is written with others, soon. False: too many wait already, and it was dropped. */
  append(event: AuditEvent): boolean;
  /** Resolves when all that was taken down is in the file; rejects with WC_AUDIT when it cannot be. */
  flush(): Promise<void>;
  /** Flushes, with these as the last lines; they are taken down however many wait. */
  close(last?: readonly AuditEvent[]): Promise<void>;
}

export interface AuditOptions {
  /** Size above which the log is rotated to `audit.jsonl.1`. */
  readonly maxBytes?: number;
  /** How long an event waits for company, in ms. */
  readonly delayMs?: number;
  /** How many events may wait for the file. */
  readonly maxWaiting?: number;
  readonly now?: () => Date;
  /** Called with every batch once it is in the file. */
  readonly onWritten?: (lines: readonly AuditLine[]) => void;
  /** Called with one sentence when a crash's remains were set aside. */
  readonly onRecovered?: (note: string) => void;
  /** Called when a batch could not be written, before anybody flushes. */
  readonly onFailure?: (error: unknown) => void;
}

interface Waiting {
  readonly event: AuditEvent;
  readonly time: string;
}

/** Takes an exclusive lock on an open file description; closing it lets go. */
export type Lock = (fd: number) => Promise<void>;

const MAX_BYTES = 32 * 1024 * 1024;
const BATCH = 1000;
const MAX_WAITING = 10_000;
const { O_APPEND, O_CREAT, O_RDWR } = constants;

async function isStillThere(file: string, handle: FileHandle): Promise<boolean> {
  const mine = await handle.stat();
  try {
    const there = await stat(file);
    return there.ino === mine.ino && there.dev === mine.dev;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Opens and locks; another process may rotate the file while this one waits, and then it is opened anew. */
async function openLocked(file: string, lock: Lock): Promise<FileHandle> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  for (;;) {
    const handle = await open(file, O_RDWR | O_APPEND | O_CREAT, 0o600);
    try {
      await lock(handle.fd);
      if (await isStillThere(file, handle)) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

/** Writes all or nothing: what a full disk took of a batch is taken back. */
async function writeWhole(handle: FileHandle, text: string, sizeBefore: number): Promise<void> {
  try {
    await handle.appendFile(text);
  } catch (error) {
    await handle.truncate(sizeBefore);
    throw error;
  }
}

function sealAll(batch: readonly Waiting[], start: ChainEnd): AuditLine[] {
  const lines: AuditLine[] = [];
  let end = start;
  for (const { event, time } of batch) {
    const line = sealEvent(event, time, end);
    lines.push(line);
    end = line;
  }
  return lines;
}

async function mend(file: string, handle: FileHandle, options: AuditOptions) {
  const tail = await readTail(handle);
  if (tail.torn.length === 0) return tail;
  if (isWholeLine(tail.torn, tail.end)) {
    await handle.appendFile("\n");
  } else {
    await setAside(file, handle, tail, (options.now?.() ?? new Date()).toISOString());
    const what = `${tail.torn.length} bytes of a torn last line in "${file}"`;
    options.onRecovered?.(`Set aside ${what}: kept in "${file}.torn"`);
  }
  return readTail(handle);
}

async function writeBatch(
  file: string,
  handle: FileHandle,
  batch: readonly Waiting[],
  options: AuditOptions,
) {
  const tail = await mend(file, handle, options);
  // SECURITY(P13): lines that were cut off would be forgotten with the next one, did it follow what is left.
  const start = followed(tail.end ?? (await endOfOlder(file)), await readEnd(file));
  const lines = sealAll(batch, start);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  if (tail.size > 0 && tail.size + Buffer.byteLength(text) > (options.maxBytes ?? MAX_BYTES)) {
    await rename(file, `${file}.1`);
    return undefined;
  }
  await writeWhole(handle, text, tail.size);
  const last = lines.at(-1);
  // The lines are in the log: that its end cannot be kept is no reason to write them twice.
  if (last !== undefined) await keepEnd(file, last).catch(() => {});
  return lines;
}

/** One batch under one lock. After a rotation the new file is locked, and the chain goes on in it. */
async function appendBatch(file: string, lock: Lock, batch: readonly Waiting[], options: AuditOptions) {
  for (;;) {
    const handle = await openLocked(file, lock);
    try {
      const lines = await writeBatch(file, handle, batch, options);
      if (lines !== undefined) return lines;
    } finally {
      await handle.close();
    }
  }
}

function cannotWrite(file: string, cause: unknown): WorkcellError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new WorkcellError("WC_AUDIT", {
    message: `Cannot write the audit log "${file}": ${found}; it must be a file that you can append to`,
    remedy: `Run: ls -ld ${path.dirname(file)} ${file}; make both yours, and free some space`,
    cause,
  });
}

/** Opens the log lazily: nothing is touched before the first event is due. */
export function openAudit(file: string, lock: Lock, options: AuditOptions = {}): AuditLog {
  const waiting: Waiting[] = [];
  const now = options.now ?? (() => new Date());
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      try {
        const lines = await appendBatch(file, lock, batch, options);
        waiting.splice(0, batch.length);
        options.onWritten?.(lines);
      } catch (cause) {
        throw cannotWrite(file, cause);
      }
    }
  }
  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    // A failed batch keeps waiting, so that the next flush tries it again, and says what it finds.
    const next = writing.then(drain, drain);
    writing = next;
    next.catch(() => {});
    return next;
  }

  function take(event: AuditEvent): void {
    waiting.push({ event, time: now().toISOString() });
  }

  return {
    append(event) {
      if (waiting.length >= (options.maxWaiting ?? MAX_WAITING)) return false;
      take(event);
      timer ??= setTimeout(
        () => void write().catch((error) => options.onFailure?.(error)),
        options.delayMs ?? 50,
      );
      return true;
    },
    flush: write,
    close(last = []) {
      for (const event of last) take(event);
      return write();
    },
  };
}
