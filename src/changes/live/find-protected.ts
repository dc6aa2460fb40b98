import type { BytePath, Entry } from "../../model/index.ts";
import { isWithin, nameOf, parentOf } from "../byte-path.ts";
import type { FileFinder, FileRoot, FileServer } from "../file-server.ts";
import { findEntries } from "../find-entries.ts";
import { type GitPlaces, gitPlaces, standingAt } from "../git-places.ts";
import { foldedName, foldedParts, matchProtected } from "../match-protected.ts";
import { pipelinedAll } from "../pipelined.ts";
import { repositoriesAmong } from "../repositories.ts";
import { actingParts, fitsPart, isPartOfRepository, isWholeRepository } from "../repository-parts.ts";
import { wantedNames } from "./wanted-names.ts";

/** A connected folder that is written to live. */
export interface LivePlace {
  readonly server: FileServer & FileFinder;
  readonly root: FileRoot;
  /** Absolute path on the host. */
  readonly folder: string;
  /** Folders below it that are connected by themselves: they are looked at as such. */
  readonly excluded: readonly BytePath[];
  /** What the person allowed by name. */
  readonly named: readonly BytePath[];
}

/** What stands in protected places, as far as names tell: who judges it says more. */
export interface ProtectedThings {
  /** Folders of which everything is protected, those within others left out. */
  readonly trees: ReadonlyMap<BytePath, Entry>;
  /** Whatever else is protected by itself; what is in the trees is not among it. */
  readonly single: ReadonlyMap<BytePath, Entry>;
  /** What the host's git takes from the folder by its configuration; those that stand there are among the others. */
  readonly gitPlaces: GitPlaces;
  /** What tells git that a folder is a repository, where it stands beside more of one. */
  readonly heads: ReadonlyMap<BytePath, Entry>;
  /** Folders that git takes for repositories, and that have no `.git`. */
  readonly repositories: readonly BytePath[];
  /** False: something could not be looked at. */
  readonly isWhole: boolean;
}

const window = 64;
const byteForm = (text: string): BytePath => Buffer.from(text).toString("latin1");

/**
 * The parts of the folder's own path that count, as protected places may begin above it. Who connects a protected place
 * itself has named it.
 */
export function partsAbove(folder: string): readonly string[] {
  const path = byteForm(folder.replace(/^\/+/, ""));
  const match = matchProtected({ path, executable: false, standsForTree: false, plainFolder: false });
  return match?.rule.class === "refused" ? [] : foldedParts(path);
}

function isRefused(path: BytePath, entry: Entry, above: readonly string[]): boolean {
  const subject = {
    path,
    executable: entry.type === "file" && (entry.mode & 0o111) !== 0,
    standsForTree: entry.type === "symlink",
    plainFolder: false,
  };
  const match = matchProtected(subject, above);
  if (match?.rule.class !== "refused") return false;
  return entry.type !== "directory" || match.rule.pattern.endsWith("/");
}

/** Folders that are repositories without a `.git`, or part of one, each with what of it git knows by its name. */
function repositoriesIn(entries: ReadonlyMap<BytePath, Entry>): readonly NakedRepository[] {
  const byFolder = new Map<BytePath, Map<BytePath, Entry>>();
  for (const [path, entry] of entries) {
    const part = foldedName(nameOf(path));
    if (!fitsPart(part, entry.type) || foldedParts(path).includes(".git")) continue;
    const parts = byFolder.get(parentOf(path)) ?? new Map<BytePath, Entry>();
    byFolder.set(parentOf(path), parts.set(path, entry));
  }
  return [...byFolder].flatMap(([folder, parts]) => {
    const names = new Set([...parts.keys()].map((path) => foldedName(nameOf(path))));
    return isPartOfRepository(names) ? [{ folder, parts, isWhole: isWholeRepository(names) }] : [];
  });
}

interface NakedRepository {
  readonly folder: BytePath;
  readonly parts: ReadonlyMap<BytePath, Entry>;
  readonly isWhole: boolean;
}

/** Everything of the refused class in a folder, links and what only looks like such names included. */
export async function findProtected(place: LivePlace, most?: number): Promise<ProtectedThings> {
  const above = partsAbove(place.folder);
  const { entries, isWhole } = await findEntries(place, wantedNames(), most);
  const met = [...entries].filter(([path, entry]) => isRefused(path, entry, above));
  const halves = repositoriesIn(entries);
  const ofHalves = halves.flatMap(({ parts }) => [...parts]);
  met.push(...ofHalves.filter(([path]) => actingParts.includes(foldedName(nameOf(path)))));
  const view = { ...place, folderPath: place.folder };
  const places = await gitPlaces(view, await repositoriesAmong(view, entries));
  const isOwn = (path: BytePath) => !place.excluded.some((inner) => isWithin(path, inner));
  for (const standing of await pipelinedAll(places, window, (named) => standingAt(view, named)))
    met.push(
      ...standing.filter(([path]) => isOwn(path)).map(([path, entry]) => [path, entry] as [BytePath, Entry]),
    );
  const trees = new Map<BytePath, Entry>();
  for (const [path, entry] of met.sort(([one], [other]) => one.length - other.length))
    if (entry.type === "directory" && !isInTree(path, trees)) trees.set(path, entry);
  const single = met.filter(([path, { type }]) => type !== "directory" && !isInTree(path, trees));
  return {
    trees,
    single: new Map(single),
    gitPlaces: places,
    heads: new Map(ofHalves.filter(([path]) => foldedName(nameOf(path)) === "head")),
    repositories: halves.filter((one) => one.isWhole).map(({ folder }) => folder),
    isWhole,
  };
}

function isInTree(path: BytePath, trees: ReadonlyMap<BytePath, Entry>): boolean {
  for (let at = path; at !== ""; at = parentOf(at)) if (trees.has(at)) return true;
  return false;
}

/** What is in a protected folder: everything but the folders themselves. */
export async function leavesOf({ server, root }: LivePlace, tree: BytePath) {
  const entries = await server.scan({ root, path: tree }).catch(() => []);
  return entries.filter(({ type }) => type !== "directory");
}
