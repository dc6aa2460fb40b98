import { existsSync, realpathSync } from "node:fs";
import path from "node:path";

/** The path with every symbolic link on the way resolved, as far as it exists. */
export function realPlace(place: string): string {
  if (existsSync(place)) return realpathSync.native(place);
  return path.join(realPlace(path.dirname(place)), path.basename(place));
}
