import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";

/** What a person would miss if it changed, of one entry. */
function describeEntry(file: string, stat: BigIntStats): string {
  const { mode, uid, gid, nlink, ino, mtimeNs } = stat;
  // What a directory takes on disk is its file system's affair.
  const size = stat.isDirectory() ? "-" : stat.size;
  const content = stat.isFile()
    ? readFileSync(file).toString("base64")
    : stat.isSymbolicLink()
      ? readlinkSync(file)
      : "";
  return [mode.toString(8), uid, gid, nlink, ino, size, mtimeNs, content].join(" ");
}

/** Everything below a folder and the folder itself: bytes, modes, owners, times, links. Two are the same or something changed. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (place: string): void => {
    const stat = lstatSync(place, { bigint: true });
    found[path.relative(folder, place)] = describeEntry(place, stat);
    if (stat.isDirectory()) for (const name of readdirSync(place).sort()) walk(path.join(place, name));
  };
  walk(folder);
  return found;
}
