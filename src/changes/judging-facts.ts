import type { BytePath, Change } from "../model/index.ts";
import { joinPath, parentOf, partsOf } from "./byte-path.ts";
import { isBinary } from "./content.ts";
import { entryAt } from "./entry-at.ts";
import type { FileFinder, FileRoot, FileServer } from "./file-server.ts";
import { findGitPlaces, type GitPlaces, reachesGitPlace } from "./git-places.ts";
import { headOf } from "./head-of.ts";
import { inertFiles } from "./inert-files.ts";
import type { JudgingFacts } from "./judge-changes.ts";
import { foldedParts } from "./match-protected.ts";
import { pipelinedAll } from "./pipelined.ts";
import { dependencyTrees } from "./protected-paths.ts";
import {
  actingParts,
  fitsPart,
  isPartOfRepository,
  isWholeRepository,
  repositoryParts,
} from "./repository-parts.ts";

export interface FactsInput {
  readonly server: FileServer & FileFinder;
  readonly layer: FileRoot;
  readonly folder: FileRoot;
  readonly changes: readonly Change[];
  readonly mode: "review" | "auto";
  /** Absolute path of the connected folder, as `.git` files of worktrees say it. */
  readonly folderPath?: string;
  /** What the host's git takes from the folder, where it was looked for already. */
  readonly gitPlaces?: GitPlaces;
  /** How a folder was before the changes, where the folder itself does not say it any more: it is written to live. */
  readonly before?: RepositoryBefore;
}

/** What a folder was to git before something was changed. */
export interface RepositoryBefore {
  isWhole(folder: BytePath): Promise<boolean>;
  /** Whether git would have read or run something of it. */
  acts(folder: BytePath): Promise<boolean>;
}

const window = 64;

/** Reads what of the contents decides how the changes are judged. */
export async function readJudgingFacts(input: FactsInput): Promise<JudgingFacts> {
  const repositories = await bareRepositories(input);
  const named = await namedByHost(input);
  const inert = await inertFiles(input);
  const refused = new Map([...named, ...repositories].filter(([path]) => !inert.has(path)));
  return { inert, refused, binary: await binaryBefore(input), environments: await environments(input) };
}

/** The folders `lib` of virtual environments that stand on the host; what a session makes is none. */
async function environments({ server, folder, changes }: FactsInput): Promise<ReadonlySet<BytePath>> {
  const libraries = new Set<BytePath>();
  for (const { path } of changes) {
    const parts = partsOf(path);
    if (parts.some((part) => dependencyTrees.includes(part))) continue;
    for (const [index, part] of parts.slice(0, -1).entries())
      if (index > 0 && part === "lib") libraries.add(parts.slice(0, index + 1).join("/"));
  }
  const found = await pipelinedAll(libraries, window, async (library) => {
    const entry = await entryAt(server, { root: folder, path: joinPath(parentOf(library), "pyvenv.cfg") });
    return entry?.type === "file" ? [library] : [];
  });
  return new Set(found.flat());
}

/** What the host's own repositories take from the folder, by their configuration. */
async function namedByHost(input: FactsInput): Promise<ReadonlyMap<BytePath, string>> {
  const { server, folder: root, folderPath, changes } = input;
  if (changes.length === 0) return new Map();
  const view = { server, root, ...(folderPath !== undefined && { folderPath }) };
  const reasonOf = reachesGitPlace(input.gitPlaces ?? (await findGitPlaces(view)));
  return new Map(
    changes.flatMap((change) => {
      const reason = reasonOf(change);
      return reason === undefined ? [] : [[change.path, reason] as const];
    }),
  );
}

/**
 * What git would run or read in repositories without a `.git`: a folder counts as one as soon as it has two of
 * their parts, as what is missing may come in another session. Refused are its configuration and hooks, and, where those stand on the host already, what completes it.
 */
async function bareRepositories(input: FactsInput): Promise<ReadonlyMap<BytePath, string>> {
  const byFolder = new Map<BytePath, { readonly path: BytePath; readonly part: string }[]>();
  for (const { path, kind, after } of input.changes) {
    if (kind === "removed") continue;
    for (const { folder, part } of partOfRepository(path)) {
      // Hooks are judged by what is in their folder, one by one.
      if (part === "hooks" ? after?.type === "directory" : !fitsPart(part, after?.type ?? "file")) continue;
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), { path, part }]);
    }
  }
  const refused = await pipelinedAll(byFolder, window, async ([folder, parts]) => {
    const there = await partsThere(input, folder, [input.folder, input.layer]);
    const counted = new Set([...there, ...parts.map(({ part }) => part)]);
    if (!isPartOfRepository(counted)) return [];
    const acting = parts.filter(({ part }) => actingParts.includes(part));
    const { isWhole, acts } = input.before ?? beforeOf(input);
    const completing = (await isWhole(folder)) || !(await acts(folder)) ? [] : parts;
    return [...new Set([...acting, ...completing])].map(
      ({ path }) => [path, "git takes this folder for a repository, and programs to run from it"] as const,
    );
  });
  return new Map(refused.flat());
}

/** The folders that a changed path would be HEAD, configuration, hook or the like of. */
function partOfRepository(path: BytePath): readonly { folder: BytePath; part: string }[] {
  const parts = partsOf(path);
  const folded = foldedParts(path);
  if (folded.length !== parts.length) return [];
  return [parts.length - 1, parts.length - 2].flatMap((index) => {
    const part = folded[index] ?? "";
    const fits = repositoryParts.includes(part) && (index === parts.length - 1 || part === "hooks");
    const folder = parts.slice(0, Math.max(index, 0)).join("/");
    return index >= 0 && fits && !folded.slice(0, index).includes(".git") ? [{ folder, part }] : [];
  });
}

/** Which parts of a repository a folder has. */
async function partsThere(
  { server }: FactsInput,
  folder: BytePath,
  roots: readonly FileRoot[],
): Promise<ReadonlySet<string>> {
  const names = repositoryParts.map((part) => (part === "head" ? "HEAD" : part));
  const found = await Promise.all(
    names.flatMap((name) =>
      roots.map(async (root) => {
        const entry = await entryAt(server, { root, path: joinPath(folder, name) });
        return entry !== undefined && fitsPart(name.toLowerCase(), entry.type) ? [name.toLowerCase()] : [];
      }),
    ),
  );
  return new Set(found.flat());
}

/** In a layer the host's folder is as it was. */
function beforeOf(input: FactsInput): RepositoryBefore {
  const there = (folder: BytePath) => partsThere(input, folder, [input.folder]);
  return {
    isWhole: async (folder) => isWholeRepository(await there(folder)),
    acts: async (folder) => {
      const parts = await there(folder);
      return actingParts.some((part) => parts.has(part));
    },
  };
}

/** Only `auto` asks: there an overwritten binary waits. */
async function binaryBefore(input: FactsInput): Promise<ReadonlySet<BytePath>> {
  if (input.mode !== "auto") return new Set();
  const candidates = input.changes.filter(
    ({ kind, before, after }) => kind === "changed" && before?.type === "file" && after?.type === "file",
  );
  const found = await pipelinedAll(candidates, window, async ({ path }) =>
    isBinary(await headOf(input.server, input.folder, path)) ? [path] : [],
  );
  return new Set(found.flat());
}
