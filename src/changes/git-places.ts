import type { BytePath, Change, Entry } from "../model/index.ts";
import { joinPath, parentOf, partsOf } from "./byte-path.ts";
import type { FileFinder } from "./file-server.ts";
import { findEntries } from "./find-entries.ts";
import { gitOutside } from "./git-outside.ts";
import { type GitNamed, namedByGitConfig } from "./git-settings.ts";
import { pathBelow } from "./parts-below.ts";
import { pipelinedAll } from "./pipelined.ts";
import { type GitView, type Repository, repositoriesAmong, repositoryNames } from "./repositories.ts";

/** A place in the folder that the host's own git reads from or runs, by what its configuration says. */
export interface GitPlace {
  readonly reason: string;
  /** All that lies below acts, and not the very file alone. */
  readonly isTree: boolean;
}

/** By path. A place need not exist: what comes to stand there acts. */
export type GitPlaces = ReadonlyMap<BytePath, GitPlace>;

const window = 16;
const mostConfigs = 64;
const mostLinks = 16;
const mostConfigBytes = 1 << 20;

/** Looks for the host's repositories in the folder, and for what they name. */
export async function findGitPlaces(view: GitView & { readonly server: FileFinder }): Promise<GitPlaces> {
  const { entries } = await findEntries(view, repositoryNames);
  return gitPlaces(view, await repositoriesAmong(view, entries));
}

/** What repositories take from the folder by their configuration: hooks, programs, and more of configuration. */
export async function gitPlaces(view: GitView, repositories: readonly Repository[]): Promise<GitPlaces> {
  const found = await pipelinedAll(repositories, window, (repository) => placesOfOne(view, repository));
  const outside = await placesOutside(view, repositories);
  return new Map([...found, outside].flatMap((places) => [...places]));
}

/** What is named outside of the folder: by the repository that it is a part of, and by the person's own configuration. */
async function placesOutside(view: GitView, repositories: readonly Repository[]): Promise<GitPlaces> {
  const places = new Map<BytePath, GitPlace>();
  if (view.folderPath === undefined) return places;
  const { own, above } = gitOutside(view.folderPath);
  const works = new Set(
    [...repositories, ...(above === undefined ? [] : [above])].map((one) => one.workFolder),
  );
  // Without a repository only what is said by its whole path leads into the folder.
  const isWhole = ({ said }: GitNamed) => /^[/~]/.test(said);
  const waiting: Config[] = [];
  const take = async (named: readonly GitNamed[], bases: Iterable<BytePath>) => {
    for (const one of named)
      for (const base of isWhole(one) ? [""] : bases)
        waiting.push(...(await follow({ view, places }, one, base)));
  };
  await take(above?.named ?? [], [above?.workFolder ?? ""]);
  await take(own, works);
  await followConfigs(view, { places, waiting, works });
  return places;
}

interface Config {
  readonly path: BytePath;
  /** Where what it includes may begin: where it lies, and where it was said to lie. */
  readonly bases: readonly BytePath[];
}

async function placesOfOne(view: GitView, { gitFolder, commonFolder, workFolder }: Repository) {
  const own = [joinPath(commonFolder, "config"), joinPath(gitFolder, "config.worktree")];
  const waiting: Config[] = own.map((path) => ({ path, bases: [parentOf(path)] }));
  const following = { places: new Map<BytePath, GitPlace>(), waiting, works: new Set([workFolder]) };
  await followConfigs(view, following, gitFolder);
  return following.places;
}

interface Following {
  readonly places: Map<BytePath, GitPlace>;
  readonly waiting: Config[];
  /** Where files lie that hooks and programs are said from. */
  readonly works: Set<BytePath>;
}

/** Reads configurations in the folder, and those that they include; what they name is put to the places. */
async function followConfigs(
  view: GitView,
  { places, waiting, works }: Following,
  gitFolder?: BytePath,
): Promise<void> {
  const read = new Set<BytePath>();
  for (let config = waiting.shift(); config !== undefined; config = waiting.shift()) {
    if (read.has(config.path) || read.size >= mostConfigs) continue;
    read.add(config.path);
    const named = namedByGitConfig(await configAt(view, config.path));
    for (const { said } of named.filter(({ kind }) => kind === "worktree")) {
      const work = gitFolder === undefined ? undefined : pathBelow(said, gitFolder, view.folderPath);
      if (work !== undefined) works.add(work);
    }
    for (const one of named) {
      if (one.kind === "worktree") continue;
      const bases = one.kind === "include" ? config.bases : works;
      for (const base of bases) waiting.push(...(await follow({ view, places }, one, base)));
    }
  }
}

/** Puts what is named from a place to the places; what it includes is still to be read. */
async function follow(
  { view, places }: { readonly view: GitView; readonly places: Map<BytePath, GitPlace> },
  { kind, said, reason }: GitNamed,
  base: BytePath,
): Promise<readonly Config[]> {
  const way = await wayTo(view, said, base);
  const last = way.at(-1);
  for (const path of way)
    if (path !== "")
      places.set(path, { reason, isTree: kind === "tree" || places.get(path)?.isTree === true });
  if (kind !== "include" || last === undefined) return [];
  return [{ path: last, bases: [...new Set(way.map(parentOf))] }];
}

async function configAt({ server, root }: GitView, path: BytePath): Promise<string> {
  const entry = await server.stat({ root, path }).catch(() => undefined);
  if (entry?.type !== "file" || entry.size > mostConfigBytes) return "";
  const bytes = await server.read({ root, path }, 0, mostConfigBytes).catch(() => Buffer.alloc(0));
  return Buffer.from(bytes).toString("latin1");
}

/** The links on the way to a place that is said, and the place; nothing where the way leads out of the folder. */
async function wayTo(view: GitView, said: BytePath, from: BytePath): Promise<readonly BytePath[]> {
  const way: BytePath[] = [];
  let at = pathBelow(said, from, view.folderPath);
  while (at !== undefined && way.length < mostLinks) {
    const link = await firstLink(view, at);
    if (link === undefined) {
      way.push(at);
      break;
    }
    // Where a folder takes the link's place, the words lead through it.
    way.push(link.path, at);
    const rest = at.slice(link.path.length + 1);
    at = pathBelow(joinPath(link.target, rest), parentOf(link.path), view.folderPath);
  }
  return way;
}

async function firstLink({ server, root }: GitView, place: BytePath) {
  const parts = partsOf(place);
  for (const index of parts.keys()) {
    const path = parts.slice(0, index + 1).join("/");
    const entry = await server.stat({ root, path }).catch(() => undefined);
    if (entry === undefined) return undefined;
    if (entry.type === "symlink" && entry.target !== undefined) return { path, target: entry.target };
  }
  return undefined;
}

/** Why a change is of what git takes from the folder, or puts something else where the way to it leads. */
export function reachesGitPlace(places: GitPlaces): (change: Change) => string | undefined {
  const above = new Map<BytePath, string>();
  for (const [place, { reason }] of places)
    for (let at = parentOf(place); at !== ""; at = parentOf(at)) above.set(at, reason);
  return ({ path, after }) => {
    if (after?.type === "directory") return undefined;
    const exact = places.get(path)?.reason ?? above.get(path);
    for (let at = path; exact === undefined && at !== ""; at = parentOf(at)) {
      const place = places.get(at);
      if (place?.isTree === true) return place.reason;
    }
    return exact;
  };
}

/** What stands at a place, or on the way to it instead of a folder. */
export async function standingAt({ server, root }: GitView, [place, { isTree }]: [BytePath, GitPlace]) {
  const parts = partsOf(place);
  for (const index of parts.keys()) {
    const path = parts.slice(0, index + 1).join("/");
    const entry: Entry | undefined = await server.stat({ root, path }).catch(() => undefined);
    if (entry === undefined) return [];
    if (entry.type !== "directory" || (index === parts.length - 1 && isTree)) return [[path, entry] as const];
  }
  return [];
}
