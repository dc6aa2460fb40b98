import { open } from "node:fs/promises";
import { WorkcellError } from "../errors/index.ts";
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
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new WorkcellError("WC_AUDIT", {
      message: `Cannot append this run's audit lines to "${file}" (flag --audit): ${found}; it must be writable`,
      remedy: "Name a file that you can append to: workcell run --audit FILE",
      cause,
    });
  }
}
