import { constants } from "node:os";
import { WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { BytePath } from "../model/index.ts";

/** What stands as `cause` behind WC_FILES: match on its code. */
export interface FileFault {
  /** The errno's name, such as `EXDEV`. */
  readonly code: string;
  /** What was tried when it came. */
  readonly step: string;
}

const remedies: Record<string, string> = {
  ENOSPC: "Free space on the disk of that folder, and run the command again",
  EDQUOT: "Free space on the disk of that folder, and run the command again",
  EROFS: "Make the file system of that folder writable, and run the command again",
  EACCES:
    "Start Workcell as the owner of that folder, or give yourself the permission, and run the command again",
  EPERM:
    "Start Workcell as the owner of that folder, or give yourself the permission, and run the command again",
  ELOOP: "Put a real folder where a link has taken its place, and run the command again",
};
const elseRemedy = "Run the command again when nothing else changes the folder";

/** The name of an errno, of those that libuv has no word for too; a number that nobody has a name for stays one. */
export function errorName(errno: number): string {
  const named = Object.entries(constants.errno).find(
    ([name, number]) => number === errno && !shadows.has(name),
  );
  return named?.[0] ?? `E${errno}`;
}

/** Other names of numbers that have a better known one. */
const shadows = new Set(["EWOULDBLOCK", "ENOTSUP", "EDEADLOCK"]);

/** Bytes as a person reads them; whatever is no text, or steers a terminal, is spelled out. */
export function readablePath(path: BytePath): string {
  return printable(Buffer.from(path, "latin1").toString());
}

/** The one error of this room's file server. */
export function fileError(attempt: string, fault: FileFault, found = fault.step): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot ${attempt}: ${found} (${fault.code})`,
    remedy: remedies[fault.code] ?? elseRemedy,
    cause: fault,
  });
}
