import { mkdirSync } from "node:fs";
import { codeOf } from "../errors/index.ts";

/** Makes a folder of one's own (0700) that must not exist yet; false if something of that name is there. */
export function makeFreshFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}
