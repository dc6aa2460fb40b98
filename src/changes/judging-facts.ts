import type { BytePath, Change } from "../model/index.ts";
import { joinPath, parentOf, partsOf } from "./byte-path.ts";
import { isBinary } from "./content.ts";
import type { FileRoot, FileServer } from "./file-server.ts";
import { headOf } from "./head-of.ts";
import { namedByHost } from "./host-git-config.ts";
import { inertFiles } from "./inert-files.ts";
import type { JudgingFacts } from "./judge-changes.ts";
import { foldedParts } from "./match-protected.ts";
import { pipelinedAll } from "./pipelined.ts";
import { dependencyTrees } from "./protected-paths.ts";

export interface FactsInput {
  readonly server: FileServer;
  readonly layer: FileRoot;
  readonly folder: FileRoot;
  readonly changes: readonly Change[];
  readonly mode: "review" | "auto";
  /** Absolute path of the connected folder, as `.git` files of worktrees say it. */
  readonly folderPath?: string;
}

const window = 64;

/** Reads what of the contents decides how the changes are judged. */
export async function readJudgingFacts(input: FactsInput): Promise<JudgingFacts> {
  const repositories = await bareRepositories(input);
  const hooks = await namedByHost(input);
  const inert = await inertFiles(input);
  const refused = new Map([...hooks, ...repositories].filter(([path]) => !inert.has(path)));
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
    const entry = await server.stat({ root: folder, path: joinPath(parentOf(library), "pyvenv.cfg") });
    return entry?.type === "file" ? [library] : [];
  });
  return new Set(found.flat());
}

const repositoryParts: readonly string[] = [
  "head",
  "objects",
  "refs",
  "commondir",
  "config",
  "config.worktree",
  "hooks",
];

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
    const [there, before] = await Promise.all([
      partsThere(input, folder, true),
      partsThere(input, folder, false),
    ]);
    const counted = new Set([...there, ...parts.map(({ part }) => part).filter((part) => part !== "hooks")]);
    if (counted.size < 2) return [];
    const acting = parts.filter(({ part }) =>
      ["config", "config.worktree", "hooks", "commondir"].includes(part),
    );
    const isWhole =
      before.has("head") && (before.has("commondir") || (before.has("objects") && before.has("refs")));
    const completing = isWhole || !(await actsOnHost(input, folder)) ? [] : parts;
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

/** Which parts of a repository a folder has on the host, or there and in the layer. */
async function partsThere(
  input: FactsInput,
  folder: BytePath,
  withLayer: boolean,
): Promise<ReadonlySet<string>> {
  const stands = async (name: string): Promise<readonly string[]> => {
    const roots = withLayer ? [input.folder, input.layer] : [input.folder];
    const entries = await Promise.all(
      roots.map((root) => input.server.stat({ root, path: joinPath(folder, name) })),
    );
    return entries.some((entry) => entry !== undefined && fitsPart(name.toLowerCase(), entry.type))
      ? [name]
      : [];
  };
  const found = await Promise.all(
    ["HEAD", "objects", "refs", "commondir", "config", "config.worktree"].map(stands),
  );
  return new Set(found.flat().map((name) => name.toLowerCase()));
}

/** A folder `config` is no configuration, and a file `objects` holds none. */
function fitsPart(part: string, type: string): boolean {
  if (type === "symlink") return true;
  return type === (part === "objects" || part === "refs" ? "directory" : "file");
}

async function actsOnHost(input: FactsInput, folder: BytePath): Promise<boolean> {
  const found = await Promise.all(
    ["config", "config.worktree", "commondir", "hooks"].map((name) =>
      input.server.stat({ root: input.folder, path: joinPath(folder, name) }),
    ),
  );
  return found.some((entry) => entry !== undefined);
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
