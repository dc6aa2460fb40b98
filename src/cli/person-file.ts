import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";

/** A file that the person named for Workcell to write, opened before any command runs. */
export interface PersonFile {
  /** Puts text in the place of what is in it. */
  replace(text: string): void;
  /** Adds lines; a last line of it that has no end is ended first. */
  append(text: string): void;
  close(): void;
  /** Closes it, and takes it away if it was made for this. */
  abandon(): void;
}

const { O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_APPEND } = constants;

function refuse(file: string, flag: string, why: string, cause?: unknown): WorkcellError {
  return new WorkcellError("WC_USAGE", {
    message: `Cannot write to "${file}" (flag ${flag}): ${why}`,
    remedy: "Name a file in a folder that exists and that you may write to; a link or a pipe will not do",
    cause,
  });
}

/** A file of another kind may end without a newline. */
function endsInMidLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 10;
}

/**
 * Opens the file of a flag. SECURITY(P8): it may lie in a connected folder, where a command can lay a link or a pipe in
 * its place: so it is opened before a command runs, by itself and never through a link, and only a plain file will do.
 */
export function openPersonFile(name: string, flag: string, cwd: string): PersonFile {
  const place = path.resolve(cwd, name);
  const isNew = lstatSync(place, { throwIfNoEntry: false }) === undefined;
  let fd: number;
  try {
    fd = openSync(place, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o666);
  } catch (cause) {
    throw refuse(
      name,
      flag,
      codeOf(cause) === "ELOOP" ? "it is a link" : (codeOf(cause) ?? String(cause)),
      cause,
    );
  }
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    throw refuse(name, flag, "it is no plain file");
  }
  return {
    replace: (text) => {
      ftruncateSync(fd);
      writeFileSync(fd, text);
    },
    append: (text) => writeFileSync(fd, `${endsInMidLine(fd) ? "\n" : ""}${text}`),
    close: () => closeSync(fd),
    abandon: () => {
      closeSync(fd);
      if (isNew) rmSync(place, { force: true });
    },
  };
}
