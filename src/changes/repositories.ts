import type { BytePath, Entry } from "../model/index.ts";
import { joinPath, nameOf, parentOf } from "./byte-path.ts";
import type { FileRoot, FileServer } from "./file-server.ts";
import { foldedName } from "./match-protected.ts";
import { pathBelow } from "./parts-below.ts";
import { pipelinedAll } from "./pipelined.ts";
import { fitsPart, isWholeRepository } from "./repository-parts.ts";

/** A folder of the person's, as git's own words in it are read. */
export interface GitView {
  readonly server: FileServer;
  readonly root: FileRoot;
  /** Its absolute path, as those words may say it. */
  readonly folderPath?: string;
}

/** A repository of the host's that stands in the folder. */
export interface Repository {
  /** Where what is its own lies: `.git`, or what a file `.git` points to. */
  readonly gitFolder: BytePath;
  /** Where what it shares with its worktrees lies. */
  readonly commonFolder: BytePath;
  /** Where hooks are run, and their paths begin. */
  readonly workFolder: BytePath;
}

/** What to look for (see FileFinder) so that every repository is met. */
export const repositoryNames: readonly string[] = ["e.git", "ehead"];

const window = 64;
const mostPointerBytes = 4096;

/** The repositories among what was found by `repositoryNames`, by whatever way git comes to them. */
export async function repositoriesAmong(
  view: GitView,
  entries: ReadonlyMap<BytePath, Entry>,
): Promise<readonly Repository[]> {
  return pipelinedAll(entries, window, async ([path, entry]) => {
    const [name, above] = [foldedName(nameOf(path)), parentOf(path)];
    if (name === ".git") return withCommon(view, await gitFolderOf(view, path, entry), above);
    if (name !== "head" || foldedName(nameOf(above)) === ".git") return [];
    return (await isRepository(view, above)) ? withCommon(view, above, above) : [];
  }).then((found) => found.flat());
}

async function isRepository({ server, root }: GitView, folder: BytePath): Promise<boolean> {
  const found = await Promise.all(
    ["HEAD", "objects", "refs", "commondir"].map(async (name) => {
      const entry = await server.stat({ root, path: joinPath(folder, name) }).catch(() => undefined);
      return entry !== undefined && fitsPart(name.toLowerCase(), entry.type) ? [name.toLowerCase()] : [];
    }),
  );
  return isWholeRepository(new Set(found.flat()));
}

/** Where a `.git` leads: a folder is it, a file or a link says it. Undefined: out of the folder. */
async function gitFolderOf(view: GitView, path: BytePath, entry: Entry): Promise<BytePath | undefined> {
  if (entry.type === "directory") return path;
  const said = entry.type === "symlink" ? entry.target : await pointerAt(view, path, /^gitdir: *([^\n]+)/);
  return said === undefined ? undefined : pathBelow(said, parentOf(path), view.folderPath);
}

async function pointerAt(view: GitView, path: BytePath, form: RegExp): Promise<string | undefined> {
  const { server, root } = view;
  const entry = await server.stat({ root, path }).catch(() => undefined);
  if (entry?.type !== "file" || entry.size > mostPointerBytes) return undefined;
  const bytes = await server.read({ root, path }, 0, mostPointerBytes).catch(() => Buffer.alloc(0));
  return form.exec(Buffer.from(bytes).toString("latin1"))?.[1]?.trimEnd();
}

async function withCommon(
  view: GitView,
  gitFolder: BytePath | undefined,
  workFolder: BytePath,
): Promise<readonly Repository[]> {
  if (gitFolder === undefined) return [];
  const said = await pointerAt(view, joinPath(gitFolder, "commondir"), /^([^\n]+)/);
  const common = said === undefined ? gitFolder : pathBelow(said, gitFolder, view.folderPath);
  return [{ gitFolder, commonFolder: common ?? gitFolder, workFolder }];
}
