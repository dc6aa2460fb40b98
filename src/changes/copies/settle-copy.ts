import type { BytePath, Entry } from "../../model/index.ts";
import { parentOf } from "../byte-path.ts";
import type { FileRoot, FileServer, LayerMaker } from "../file-server.ts";
import { openFileServer } from "../open-file-server.ts";
import { pipelinedAll } from "../pipelined.ts";
import { removeTree } from "../steps/trees.ts";
import { type CopyIndex, forgetIndex, isUnsettled, keyOf, readIndex } from "./copy-index.ts";
import { inFolder, scanCopy } from "./make-copy.ts";
import { asInLayer, type Owners } from "./owners.ts";

const WINDOW = 512;
const OWNER_BITS = 0o700;
const around: FileRoot = 0;

const at = (folder: string, path: BytePath) => ({ root: around, path: inFolder(folder, path) });

/** What a layer must hold to say the same as a copy. */
interface Difference {
  readonly entries: readonly (readonly [BytePath, Entry])[];
  readonly gone: readonly BytePath[];
}

/** What a cell did to a copy since its index was written, with what the layer held before. */
function differenceOf(index: CopyIndex, found: readonly (readonly [BytePath, Entry])[]): Difference {
  const now = new Map(found);
  const isTouched = ([path, entry]: readonly [BytePath, Entry]) => {
    const known = index.get(path);
    return known === undefined || known.fromLayer || known.key !== keyOf(entry);
  };
  const isFolder = (path: BytePath) => path === "" || now.get(path)?.type === "directory";
  // Below what is gone, or is no folder any more, nothing needs to be said.
  const gone = [...index]
    .filter(([path, { onHost }]) => onHost && !now.has(path) && isFolder(parentOf(path)))
    .map(([path]) => path);
  const needed = new Set<BytePath>();
  for (const path of [...found.filter(isTouched).map(([path]) => path), ...gone])
    for (let place = path; place !== "" && !needed.has(place); place = parentOf(place)) needed.add(place);
  return { entries: found.filter(([path]) => needed.has(path)), gone };
}

/**
 * The files themselves, by another name: nobody works on the copy any more. A pipe of the cell's without bits would be a
 * whiteout, so it gets one.
 */
async function takeOver(
  server: FileServer,
  owners: Owners,
  [path, entry]: readonly [BytePath, Entry],
): Promise<void> {
  // SECURITY(P8): the very file that was looked at, should anybody still be there to exchange it for one of somebody else's.
  const is = { device: entry.device, inode: entry.inode };
  const place = { ...at("upper.new", path), is };
  await server.link({ ...at("copy", path), is }, at("upper.new", path));
  const as = asInLayer(entry, owners);
  const isGiven = as.uid !== entry.uid || as.gid !== entry.gid;
  if (isGiven || entry.type === "fifo")
    await server.setAttributes(place, { ...as, mode: as.mode | (entry.type === "fifo" ? 0o200 : 0) }, place);
}

async function buildUpper(server: FileServer & LayerMaker, { entries, gone }: Difference, owners: Owners) {
  const top = await server.stat(at("copy", ""));
  if (top === undefined) throw new Error("the copy is gone");
  const folders: [BytePath, Entry][] = [["", top]];
  const make = (path: BytePath, entry: Entry) => {
    const as = asInLayer(entry, owners);
    return server.makeDirectory(at("upper.new", path), { ...as, mode: as.mode | OWNER_BITS });
  };
  await make("", top);
  await pipelinedAll(entries, WINDOW, async ([path, entry]) => {
    if (entry.type === "directory") {
      folders.push([path, entry]);
      await make(path, entry);
    } else await takeOver(server, owners, [path, entry]);
  });
  await pipelinedAll(gone, WINDOW, (path) => server.makeWhiteout(at("upper.new", path)));
  for (const [path, entry] of folders.reverse())
    await server.setAttributes(at("upper.new", path), asInLayer(entry, owners), at("copy", path));
}

/**
 * Takes what cells did to a copy over into the layer, so that it can be read, applied and discarded, and takes the copy away.
 * The layer's old content stays until the new one takes its place in one step; what is ended in the middle is done again from
 * the beginning. No cell uses the layer.
 */
export async function settleCopy(input: {
  readonly cellfiles: string;
  readonly layerFolder: string;
  readonly owners: Owners;
}): Promise<void> {
  const { cellfiles, layerFolder, owners } = input;
  if (!isUnsettled(layerFolder)) return;
  const index = readIndex(layerFolder);
  const server = await openFileServer(cellfiles, [layerFolder], { ownMarks: true });
  try {
    await removeTree(server, at("upper.new", ""));
    await buildUpper(server, differenceOf(index, await scanCopy(server, around)), owners);
    await server.sync(around);
    await server.exchange(at("upper.new", ""), at("upper", ""));
    forgetIndex(layerFolder);
    for (const rest of ["upper.new", "copy"]) await removeTree(server, at(rest, ""));
  } finally {
    await server.close();
  }
}
