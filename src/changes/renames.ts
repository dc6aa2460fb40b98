import type { BytePath, Entry, JudgedChange } from "../model/index.ts";
import { nameOf } from "./byte-path.ts";
import type { DescribeInput } from "./describe-changes.ts";

/** What is compared at most, so that many files of one size cost no more than the rest of a diff. */
const mostCompared = 2000;
const mostCandidates = 8;

/** A file of the person's folder. */
export interface Moved {
  readonly path: BytePath;
  readonly entry: Entry;
}

/** Files that stand elsewhere with the same content: by their new path where they were, and the old paths. */
export interface Renames {
  readonly from: ReadonlyMap<BytePath, Moved>;
  readonly to: ReadonlyMap<BytePath, BytePath>;
}

/** What is refused, in conflict or left out is told by itself, and each side of it. */
const isPlainEnough = ({ class: of, conflict, ignored }: JudgedChange) =>
  (of === "plain" || of === "marked") && conflict === undefined && ignored !== true;

const isContent = (entry: Entry | undefined): entry is Entry => entry?.type === "file" && entry.size > 0;

async function goneFiles({ server, folder, changes }: DescribeInput): Promise<readonly Moved[]> {
  const gone: Moved[] = [];
  for (const { path, before } of changes.filter((one) => one.kind === "removed" && isPlainEnough(one))) {
    if (isContent(before)) gone.push({ path, entry: before });
    if (before?.type !== "directory") continue;
    for (const { path: inside, ...entry } of await server.scan({ root: folder, path }))
      if (isContent(entry)) gone.push({ path: inside, entry });
  }
  return gone;
}

/** The likelier first: a file that is moved keeps its name, or its folder. */
function inOrder(candidates: readonly Moved[], path: BytePath): readonly Moved[] {
  const isNamed = (one: Moved) => nameOf(one.path) === nameOf(path);
  return [...candidates.filter(isNamed), ...candidates.filter((one) => !isNamed(one))].slice(
    0,
    mostCandidates,
  );
}

/** Finds files that are gone under one path and came under another with the same content. Empty ones are alike, and are none. */
export async function findRenames(input: DescribeInput): Promise<Renames> {
  const { server, folder, layer, changes } = input;
  const [from, to] = [new Map<BytePath, Moved>(), new Map<BytePath, BytePath>()];
  const come = changes.filter(
    (one) =>
      one.kind === "added" && one.sameFileAs === undefined && isPlainEnough(one) && isContent(one.after),
  );
  if (come.length === 0) return { from, to };
  const bySize = new Map<number, Moved[]>();
  for (const one of await goneFiles(input)) {
    const alike = bySize.get(one.entry.size);
    if (alike === undefined) bySize.set(one.entry.size, [one]);
    else alike.push(one);
  }
  let compared = 0;
  for (const { path, after } of come) {
    const free = (bySize.get(after?.size ?? 0) ?? []).filter((one) => !to.has(one.path));
    for (const one of inOrder(free, path)) {
      if (++compared > mostCompared) return { from, to };
      const isSame = await server.isSame({ root: folder, path: one.path }, { root: layer, path });
      if (!isSame) continue;
      from.set(path, one);
      to.set(one.path, path);
      break;
    }
  }
  return { from, to };
}
