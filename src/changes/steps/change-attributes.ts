import type { Entry } from "../../model/index.ts";
import type { FileServer, Place } from "../file-server.ts";
import { type Carrying, lookAt, meanwhile, mustBeUntouched, NotDone, placesOf } from "./carrying.ts";
import { copyAs } from "./stage.ts";
import { isOf, isSameFile, type Part } from "./step.ts";
import { removeTree } from "./trees.ts";

async function keepAttributes(
  server: FileServer,
  { entry, held, kept }: { readonly entry: Entry; readonly held: Place; readonly kept: Place },
): Promise<void> {
  const { mode, uid, gid, mtimeNs } = entry;
  const old = { mode, uid, gid, mtimeNs };
  const draft = { ...kept, path: `${kept.path}.part` };
  await removeTree(server, draft);
  await server.makeDirectory(draft, old);
  await server.setAttributes(draft, old, held);
  await server.rename(draft, kept);
}

/** The old bits, owner and extended attributes are kept by an empty folder, whatever it is that has them. */
export async function changeAttributes(carrying: Carrying): Promise<void> {
  const { server, roots, operation } = carrying;
  const { at, kept } = placesOf(carrying);
  const [part] = operation.parts;
  const entry = await server.stat(at);
  const before = operation.before;
  if (part === undefined || before === undefined || entry === undefined || !isSameFile(entry, before))
    throw new NotDone(meanwhile);
  const held = { ...at, is: isOf(before) };
  if ((await server.stat(kept)) === undefined) {
    // A folder's ctime moves with what is in it, which other operations change.
    if (entry.type !== "directory") await mustBeUntouched(carrying, at);
    await keepAttributes(server, { entry, held, kept });
  }
  // A folder's time is that of what is in it, which is not this operation's affair.
  const time = entry.type === "directory" ? { mtimeNs: entry.mtimeNs } : {};
  const source = { root: roots.source, path: part.from };
  await server.setAttributes(held, { ...copyAs(part.attributes), ...time }, source);
}

export const hasAttributes = (now: Entry, { attributes: { mode, uid, gid } }: Part): boolean =>
  (now.type === "symlink" || now.mode === mode) && now.uid === uid && now.gid === gid;

/** Whether an earlier Workcell had changed them, and nobody has since. Throws OutOfReach where it cannot be looked at. */
export async function isChanged(carrying: Carrying): Promise<boolean> {
  const { server, operation } = carrying;
  const { at, kept } = placesOf(carrying);
  const { before, parts } = operation;
  const entry = await lookAt(server, at);
  if (entry === undefined || before === undefined || parts[0] === undefined) return false;
  return (
    isSameFile(entry, before) && hasAttributes(entry, parts[0]) && (await server.stat(kept)) !== undefined
  );
}
