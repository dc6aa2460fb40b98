import type { BytePath, Change } from "../model/index.ts";
import { nameOf, parentOf, partsOf } from "./byte-path.ts";
import { entryAt } from "./entry-at.ts";
import { isHarmlessGitConfig } from "./git-config.ts";
import { headBytes, headOf } from "./head-of.ts";
import type { FactsInput } from "./judging-facts.ts";
import { foldedParts } from "./match-protected.ts";
import { below } from "./parts-below.ts";
import { pipelinedAll } from "./pipelined.ts";

interface Looked {
  readonly path: BytePath;
  readonly text: string;
  readonly input: FactsInput;
}

type InertTest = (looked: Looked) => boolean | Promise<boolean>;

const window = 64;

/** New configurations and pointers of repositories that say nothing but where they belong, and what git wrote of branches. */
export async function inertFiles(input: FactsInput): Promise<ReadonlySet<BytePath>> {
  const found = await pipelinedAll(input.changes, window, async (change) => {
    const { path } = change;
    const test = testOf(change);
    if (
      test === undefined ||
      (await test({ path, text: await headOf(input.server, input.layer, path), input })) !== true
    )
      return [];
    return [path];
  });
  return new Set(found.flat());
}

function testOf({ path, kind, after }: Change): InertTest | undefined {
  if (after?.type !== "file" || kind === "removed") return undefined;
  const inGit = partsInGit(path);
  const isReference = inGit !== undefined && ofReferences.test(inGit.join("/"));
  if (isReference) return (after.mode & 0o111) === 0 ? ({ text }) => beginsAsReference.test(text) : undefined;
  return kind === "added" && after.size <= headBytes ? testOfName(nameOf(path), inGit) : undefined;
}

function testOfName(name: string, inGit: readonly string[] | undefined): InertTest | undefined {
  const within = inGit?.join("/") ?? "";
  if (name === "config")
    return /^(|config|modules\/.+\/config)$/.test(within)
      ? ({ text }) => isHarmlessGitConfig(text)
      : undefined;
  if (name === ".git") return pointsInside;
  if (!/^worktrees\/[^/]+\/[^/]+$/.test(within)) return undefined;
  if (name === "commondir") return ({ text }) => /^\.\.\/\.\.\n?$/.test(text);
  return name === "gitdir" ? isPlaceOfWorktree : undefined;
}

/** Branches and tags whose names are those of something else. */
const ofReferences = /^(refs|logs)\/(.+\/)?(hooks|config|config\.worktree|commondir|gitdir|attributes)(\/|$)/;
/** Neither a configuration that git could read nor a program: its first words already make it none. */
const beginsAsReference = /^(?:[0-9a-f]{40}|[0-9a-f]{64})[ \n]|^ref: refs\/[^\n]*\n$/;

/** The parts below the first `.git` above a path; undefined: none is. */
function partsInGit(path: BytePath): readonly string[] | undefined {
  const parts = foldedParts(path);
  const git = parts.indexOf(".git");
  return git < 0 || git === parts.length - 1 ? undefined : parts.slice(git + 1);
}

/** Where a worktree says it stands: a `.git` of the same folder, or, with nothing else to say, next to what says so. */
function isPlaceOfWorktree({ path, text, input }: Looked): boolean {
  const parts = placeOf(text.replace(/\n$/, ""), parentOf(path), input.folderPath);
  return parts?.at(-1) === ".git" && parts.indexOf(".git") === parts.length - 1;
}

/**
 * A `.git` file that names a submodule's or a worktree's own place in a `.git` of the same folder. Exactly that one:
 * what lies deeper or beside is no place that git made, and through a link it could be any.
 */
async function pointsInside({ path, text, input }: Looked): Promise<boolean> {
  const [, said] = /^gitdir: ([^\n]+)\n?$/.exec(text) ?? [];
  const parts = said === undefined ? undefined : placeOf(said, parentOf(path), input.folderPath);
  if (parts === undefined || parts.indexOf(".git") !== parts.length - 3) return false;
  if (!["modules", "worktrees"].includes(parts.at(-2) ?? "")) return false;
  const above = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  const entries = await Promise.all(
    above.flatMap((at) =>
      [input.layer, input.folder].map((root) => entryAt(input.server, { root, path: at })),
    ),
  );
  return entries.every((entry) => entry?.type !== "symlink");
}

/** What a pointer in `folder` says, as parts below the connected folder; undefined: it lies elsewhere. */
function placeOf(
  said: string,
  folder: BytePath,
  folderPath: string | undefined,
): readonly string[] | undefined {
  const rest = said.startsWith("/") ? below(said, folderPath) : said;
  if (rest === undefined || /[\x00-\x1f\\]/.test(rest)) return undefined;
  const parts: string[] = said.startsWith("/") ? [] : [...partsOf(folder)];
  for (const part of rest.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}
