import { unlinkSync } from "node:fs";
import { codeOf } from "../errors/index.ts";

/** Removes a file, or a link, where there is one. Node's rmSync() looks at it first, and is loaded at its first use. */
export function removeFile(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
