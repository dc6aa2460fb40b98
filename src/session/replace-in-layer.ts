import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import type { BytePath } from "../model/index.ts";

const folderItself = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const below = (fd: number, name: BytePath) =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), Buffer.from(name, "latin1")]);

/** Opens each folder on the way itself, never through a link: a cell wrote what lies there. */
function openFolder(upper: string, parts: readonly BytePath[]): number {
  let fd = openSync(upper, folderItself);
  for (const part of parts) {
    const above = fd;
    try {
      fd = openSync(below(above, part), folderItself);
    } finally {
      closeSync(above);
    }
  }
  return fd;
}

/**
 * Puts new content in the place of a file of a layer, in one step: before it the session's own version is whole, and after it
 * the new one, with the same owner and bits. Returns its time. No cell of the session may run.
 */
export function replaceInLayer(upper: string, file: BytePath, content: Buffer): bigint {
  const parts = file.split("/");
  const draft = path.join(path.dirname(upper), "merged.new");
  const folder = openFolder(upper, parts.slice(0, -1));
  try {
    const place = below(folder, parts.at(-1) ?? "");
    const old = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { mode, uid, gid } = fstatSync(old);
    closeSync(old);
    rmSync(draft, { force: true });
    const made = openSync(draft, "wx", 0o600);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(made, content, at);
      fchownSync(made, uid, gid);
      fchmodSync(made, mode & 0o777);
      fsyncSync(made);
      renameSync(draft, place);
      return fstatSync(made, { bigint: true }).mtimeNs;
    } finally {
      closeSync(made);
    }
  } finally {
    closeSync(folder);
  }
}
