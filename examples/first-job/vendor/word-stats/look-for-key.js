// Opens one file and counts its bytes. Run as a program it says what it found: that is the control, the same read
// without a cell.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export function lookForKey(place) {
  try {
    return { place, bytes: readFileSync(place).length };
  } catch (error) {
    return { place, error: error.code };
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log(JSON.stringify(lookForKey(process.argv[2])));
}
