import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { readOwnFile, writeCache } from "./cache-file.ts";

export interface ProgramCheck {
  /** Absolute path; its hash lies beside it, as the build wrote it. */
  readonly program: string;
  readonly cacheFolder: string;
}

const remedy = "Build it again: npm run build";
const schema = "workcell.programs/1";

/** Every change of a file's content changes the last of these, which nobody can set. */
function markOf(file: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

function missing(file: string, error: unknown): WorkcellError {
  const found = codeOf(error) === "ENOENT" ? "it is not there" : `it cannot be read (${codeOf(error)})`;
  return new WorkcellError("WC_MISSING_TOOL", {
    message: `Cannot start a cell: "${file}" is a part of Workcell, and ${found}`,
    remedy,
    cause: error,
  });
}

function read<T>(file: string, work: (file: string) => T): T {
  try {
    return work(file);
  } catch (error) {
    throw missing(file, error);
  }
}

function wasWhole(cache: string, marks: string): boolean {
  try {
    const kept: unknown = JSON.parse(readOwnFile(cache));
    return JSON.stringify(kept) === JSON.stringify({ schema, marks });
  } catch {
    // Absent or damaged: a cache is only ever a shortcut.
    return false;
  }
}

/**
 * Refuses a program that is missing, or is not what the build made. A whole one is remembered by what its file system
 * says of it: node:crypto takes longer to load than all the rest of a start's questions.
 */
export function checkProgram({ program, cacheFolder }: ProgramCheck): void {
  const record = `${program}.sha256`;
  const marks = [program, read(program, markOf), read(record, markOf)].join(" ");
  const cache = path.join(cacheFolder, `${path.basename(program)}.json`);
  if (wasWhole(cache, marks)) return;
  const expected = read(record, (file) => readFileSync(file, "latin1").trim());
  const found = createHash("sha256")
    .update(read(program, (file) => readFileSync(file)))
    .digest("hex");
  if (found !== expected) {
    throw new WorkcellError("WC_LAUNCH", {
      message: `Cannot start a cell: "${program}" is not what Workcell's build made: its SHA-256 is ${found}, and ${expected} is needed`,
      remedy,
    });
  }
  writeCache(cache, { schema, marks });
}
