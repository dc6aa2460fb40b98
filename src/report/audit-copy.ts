import { close, fstatSync, writeFile } from "node:fs";
import { open, readlink } from "node:fs/promises";
import { promisify } from "node:util";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { AuditLine } from "../model/index.ts";

/** A file of another kind may end without a newline; our first line then starts on a line of its own. */
async function needsNewline(file: string): Promise<boolean> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size === 0) return false;
    await handle.read(last, 0, 1, size - 1);
    return last[0] !== 10;
  } finally {
    await handle.close();
  }
}

/**
 * Appends lines to a file that the person named. An existing one is only ever appended to: never renamed,
 * replaced or chmod-ed. Nothing is opened for no lines.
 */
export async function appendCopy(file: string, lines: readonly AuditLine[]): Promise<void> {
  if (lines.length === 0) return;
  try {
    const handle = await open(file, "a", 0o600);
    try {
      // Pipes and terminals have no last byte to look at.
      const start = (await handle.stat()).isFile() && (await needsNewline(file)) ? "\n" : "";
      await handle.appendFile(start + lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw cannotAppend(file, cause);
  }
}

/** A run's own copy of its audit lines, while they come. */
export interface AuditCopy {
  /** Takes lines down; they are appended soon. */
  append(lines: readonly AuditLine[]): void;
  /** Appends what waits and closes the descriptor; rejects with WC_AUDIT when not all lines are in the file. */
  close(): Promise<void>;
}

/**
 * Appends to a file that is open already, opened with the flag `a`; owns the descriptor from now on. A reader that
 * does not read has no way to hold a cell up: beyond `maxWaiting` lines the rest is dropped, and close() says so.
 */
export function openCopy(fd: number, maxWaiting = 20_000): AuditCopy {
  let waiting: AuditLine[] = [];
  let dropped = 0;
  let failure: unknown;
  let started = false;
  let writing: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchLines);
      const start = started ? "" : await firstNewline(fd);
      started = true;
      await writeAll(fd, start + batch.map((line) => `${JSON.stringify(line)}\n`).join(""));
    }
  }
  function write(): Promise<void> {
    writing ??= drain()
      .catch((cause) => {
        failure ??= cause;
        waiting = [];
      })
      .finally(() => {
        writing = undefined;
      });
    return writing;
  }

  return {
    append(lines) {
      if (failure !== undefined) return;
      const room = Math.max(0, maxWaiting - waiting.length);
      for (const line of lines.slice(0, room)) waiting.push(line);
      dropped += Math.max(0, lines.length - room);
      void write();
    },
    async close() {
      await write();
      if (dropped > 0) failure ??= new Error(`${dropped} lines came faster than it takes them`);
      const name = failure === undefined ? "" : await readlink(`/proc/self/fd/${fd}`);
      await closeDescriptor(fd);
      if (failure !== undefined) throw cannotAppend(name, failure);
    },
  };
}

const batchLines = 1000;
const writeAll: (fd: number, text: string) => Promise<void> = promisify(writeFile);
const closeDescriptor = promisify(close);

/** The descriptor may only write; the same file is looked at by another one. */
async function firstNewline(fd: number): Promise<string> {
  if (!fstatSync(fd).isFile()) return "";
  try {
    return (await needsNewline(`/proc/self/fd/${fd}`)) ? "\n" : "";
  } catch (error) {
    // Who may write but not read gets an empty line rather than two lines in one.
    if (codeOf(error) === "EACCES") return "\n";
    throw error;
  }
}

function cannotAppend(file: string, cause: unknown): WorkcellError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new WorkcellError("WC_AUDIT", {
    message: `Cannot append this run's audit lines to "${file}" (flag --audit): ${found}; it must be writable`,
    remedy: "Name a file that you can append to: workcell run --audit FILE",
    cause,
  });
}
