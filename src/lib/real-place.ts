import { realpathSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";

/** The path with every symbolic link on the way resolved, as far as it exists. */
export function realPlace(place: string): string {
  try {
    return realpathSync.native(place);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || path.dirname(place) === place) throw error;
    return path.join(realPlace(path.dirname(place)), path.basename(place));
  }
}
