import type { FileServer, Place } from "../file-server.ts";
import { copyTree, errnoOf, isAbsent, isServerGone, removeTree } from "./trees.ts";

/** The name under which something is copied until it is whole. */
const partial = (kept: Place): Place => ({ ...kept, path: `${kept.path}.part` });

/**
 * Moves something to where it is kept. On another file system it is copied there, and taken away when the copy is whole
 * and on the disk: at every moment one of the two is whole.
 */
export async function keep(server: FileServer, from: Place, kept: Place): Promise<void> {
  try {
    await server.rename(from, kept);
  } catch (error) {
    if (errnoOf(error) !== "EXDEV") throw error;
    await removeTree(server, partial(kept));
    await keepCopy(server, from, kept);
    await removeKept(server, from);
  }
}

/** A copy that cannot be finished, for want of space above all, goes: what comes next needs that space. */
async function keepCopy(server: FileServer, from: Place, kept: Place): Promise<void> {
  try {
    await copyTree(server, from, partial(kept));
    await server.sync(kept.root);
    await server.rename(partial(kept), kept);
  } catch (error) {
    if (!isServerGone(error)) await removeTree(server, partial(kept)).catch(() => undefined);
    throw error;
  }
}

/** Takes away what is kept whole elsewhere. Throws when that cannot be told, for the host has moved its folder. */
export async function removeKept(server: FileServer, from: Place): Promise<void> {
  await removeTree(server, from);
  if (!(await isAbsent(server, from))) throw new Error("what is kept already stands there still");
}
