import { realpath, stat } from "node:fs/promises";
import { codeOf } from "../../errors/index.ts";
import { readBoundedFile } from "../../lib/read-bounded-file.ts";
import { ToolFault } from "./tool.ts";

/** Bytes of the largest file that Read opens and Edit changes. */
export const MAX_EDIT_BYTES = 64 * 1024 * 1024;

/** A plain file's real path and bytes; a pipe, a device or a huge file is refused and never waited for. */
export async function openFile(named: string): Promise<{ readonly file: string; readonly bytes: Buffer }> {
  const file = await realpath(named).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") throw new ToolFault(`There is no file "${named}".`);
    throw error;
  });
  const found = await stat(file);
  if (found.isDirectory())
    throw new ToolFault(`"${file}" is a folder. List it with Glob, or with ls in Bash.`);
  if (!found.isFile()) throw new ToolFault(`"${file}" is no plain file, but a pipe, a socket or a device.`);
  const bytes = readBoundedFile(file, { limitBytes: MAX_EDIT_BYTES, plainFile: true });
  if (bytes === undefined)
    throw new ToolFault(
      `"${file}" has ${found.size} bytes; Read opens at most ${MAX_EDIT_BYTES}. Take a part with Bash (sed -n '1,200p'), or search it with Grep.`,
    );
  return { file, bytes };
}
