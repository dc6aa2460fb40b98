import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

/** The file's text if it is the person's own and nobody else can write to it; else nothing. */
export function readOwnFile(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stat = fstatSync(fd);
    if (stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) return "";
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

/** Replaces a cache in one step. One that cannot be written costs time and nothing else. */
export function writeCache(file: string, content: object): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    replaceFile(file, `${JSON.stringify(content)}\n`);
  } catch {
    // A full or read-only disk, a file in the folder's place.
  }
}

function replaceFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.${process.hrtime.bigint()}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
