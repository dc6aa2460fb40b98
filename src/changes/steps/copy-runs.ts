import type { BytePath, Entry } from "../../model/index.ts";
import { nameOf, parentOf } from "../byte-path.ts";
import type { CopyAs, FileServer, Place } from "../file-server.ts";
import { isServerGone } from "./trees.ts";

/** A file or symlink that is copied. */
export interface Copy {
  readonly from: Place;
  readonly to: Place;
  readonly as: CopyAs;
}

/** So many go in one request. */
const LONGEST = 64;
/** A request holds two such paths and that many names. */
const MOST_PATH_BYTES = 4096;

const isSameFolder = (one: Place, other: Place): boolean =>
  one.root === other.root && parentOf(one.path) === parentOf(other.path);

/** Items whose copies follow each other from one folder to one other, together. */
export function runsOf<T>(items: readonly T[], copyOf: (item: T) => Copy): readonly (readonly T[])[] {
  const runs: T[][] = [];
  let last: Copy | undefined;
  for (const item of items) {
    const copy = copyOf(item);
    const run = runs.at(-1);
    const fits = last !== undefined && isSameFolder(last.from, copy.from) && isSameFolder(last.to, copy.to);
    if (run !== undefined && run.length < LONGEST && fits) run.push(item);
    else runs.push([item]);
    last = copy;
  }
  return runs;
}

/** Copies a run, and says of each what came of it. Where one of them fails, each is asked for by itself. */
export async function copyRun(
  server: FileServer,
  run: readonly Copy[],
): Promise<readonly PromiseSettledResult<Entry>[]> {
  const [first] = run;
  if (first === undefined) return [];
  const [from, to] = [folderOf(first.from), folderOf(first.to)];
  const isSaid = from.path.length < MOST_PATH_BYTES && to.path.length < MOST_PATH_BYTES;
  try {
    if (!isSaid || run.length === 1) return await oneByOne(server, run);
    const files = run.map((copy) => ({
      from: nameOf(copy.from.path),
      to: nameOf(copy.to.path),
      as: copy.as,
    }));
    const entries = await server.copyFiles(from, to, files);
    return entries.map((value) => ({ status: "fulfilled", value }));
  } catch (error) {
    if (isServerGone(error)) throw error;
    // What was made before the one that failed: nobody else has such a name.
    for (const { to: made } of run) await server.remove(made).catch(() => undefined);
    return oneByOne(server, run);
  }
}

const oneByOne = (server: FileServer, run: readonly Copy[]) =>
  Promise.allSettled(run.map((copy) => server.copy(copy.from, copy.to, copy.as)));

const folderOf = ({ root, path }: Place): { root: number; path: BytePath } => ({
  root,
  path: parentOf(path),
});
