import { randomBytes } from "node:crypto";
import { codeOf } from "../../errors/index.ts";
import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath, parentOf } from "../byte-path.ts";
import type { CopyAs, FileServer, LayerEntry, Place } from "../file-server.ts";
import { pipelinedAll } from "../pipelined.ts";

/** Calls under way at once. */
const WINDOW = 256;

/** The errno behind a failure of the file server. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? codeOf(error.cause) : undefined;
}

function faultOf(error: unknown): { readonly step: unknown } | undefined {
  const fault = error instanceof Error ? error.cause : undefined;
  return typeof fault === "object" && fault !== null && "step" in fault ? fault : undefined;
}

/** Whatever is asked for next, nobody answers: what was asked for last may have been done, or not. */
export function isServerGone(error: unknown): boolean {
  return faultOf(error)?.step === "talk to cellfiles";
}

/**
 * Whether nothing stands at a place whose folder is there: `stat` finds nothing in a folder that the host has moved away either.
 * Asked by a rename to itself, which changes nothing and opens the folder before it looks for the name.
 */
export async function isAbsent(server: FileServer, place: Place): Promise<boolean> {
  try {
    await server.rename(place, place);
    return false;
  } catch (error) {
    // Where nothing can be written nobody moves a folder either.
    if (errnoOf(error) === "EROFS") return (await server.stat(place)) === undefined;
    return errnoOf(error) === "ENOENT" && faultOf(error)?.step === "rename";
  }
}

const asOf = ({ mode, uid, gid, mtimeNs }: Entry): CopyAs => ({ mode, uid, gid, mtimeNs });
const below = (top: Place, entry: LayerEntry, end: Place): Place => ({
  root: end.root,
  path: `${end.path}${entry.path.slice(top.path.length)}`,
});

const OWNER_BITS = 0o700;
const isShut = ({ type, mode }: Entry) => type === "directory" && (mode & OWNER_BITS) !== OWNER_BITS;

/**
 * Takes away whatever stands at a place, with all below it. Nothing there: nothing done. What is taken away here was made
 * or is kept by Workcell: folders that their owner may not empty are opened first.
 */
export async function removeTree(server: FileServer, place: Place): Promise<void> {
  const entry = await server.stat(place);
  if (entry === undefined) return;
  if (entry.type === "directory") {
    const entries = await server.scan(place, { marksDeep: true });
    await removeAll(server, place, entries).catch(async (error: unknown) => {
      if (errnoOf(error) !== "EACCES") throw error;
      await openFolders(server, place, [{ ...entry, path: place.path }, ...entries]);
      await removeAll(server, place, await server.scan(place, { marksDeep: true }));
    });
  }
  await server.remove(place);
}

/** What is nested too deep comes up beside the place first, one stretch after the other. */
async function raise(server: FileServer, place: Place, entries: readonly LayerEntry[]): Promise<void> {
  for (const { path, tooDeep } of entries) {
    if (tooDeep !== true) continue;
    const up = {
      root: place.root,
      path: joinPath(parentOf(place.path), `.gone-${randomBytes(8).toString("hex")}`),
    };
    await server.rename({ root: place.root, path }, up);
    await removeTree(server, up);
  }
}

/** Deepest first, and the server keeps the order. */
async function removeAll(server: FileServer, place: Place, entries: readonly LayerEntry[]): Promise<void> {
  const { root } = place;
  await raise(server, place, entries);
  const left = entries.filter(({ tooDeep }) => tooDeep !== true);
  await pipelinedAll([...left].reverse(), WINDOW, ({ path }) => server.remove({ root, path }));
}

async function openFolders(
  server: FileServer,
  { root }: Place,
  entries: readonly (Entry & { readonly path: BytePath })[],
): Promise<void> {
  for (const { path, ...shut } of entries.filter(isShut)) {
    const inside = { root, path };
    await server.setAttributes(inside, { ...asOf(shut), mode: shut.mode | OWNER_BITS }, inside);
  }
}

/** Copies what stands at a place to one where nothing stands: with owners, bits, times and extended attributes. */
export async function copyTree(server: FileServer, from: Place, to: Place): Promise<void> {
  const top = await server.stat(from);
  if (top === undefined) return;
  if (top.type !== "directory") {
    await server.copy(from, to, asOf(top));
    return;
  }
  const entries = await server.scan(from);
  const folders = entries.filter(({ type }) => type === "directory");
  await server.makeDirectory(to, { ...asOf(top), mode: top.mode | OWNER_BITS });
  for (const entry of folders)
    await server.makeDirectory(below(from, entry, to), { ...asOf(entry), mode: entry.mode | OWNER_BITS });
  await pipelinedAll(
    entries.filter(({ type }) => type === "file" || type === "symlink"),
    WINDOW,
    (entry) => server.copy({ root: from.root, path: entry.path }, below(from, entry, to), asOf(entry)),
  );
  // Deepest first: a folder's time stands once nothing is made in it any more.
  for (const entry of [...folders].reverse())
    await server.setAttributes(below(from, entry, to), asOf(entry), { root: from.root, path: entry.path });
  await server.setAttributes(to, asOf(top), from);
}
