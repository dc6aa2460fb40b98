/** What makes a folder a repository without a `.git`, or acts in one; names in lower case. */
const parts: Readonly<Record<string, "file" | "directory">> = {
  head: "file",
  objects: "directory",
  refs: "directory",
  commondir: "file",
  config: "file",
  "config.worktree": "file",
  hooks: "directory",
};

/** The parts' names, in lower case. */
export const repositoryParts: readonly string[] = Object.keys(parts);
/** What git reads settings or another place from, or runs. */
export const actingParts: readonly string[] = ["config", "config.worktree", "commondir", "hooks"];

/** A folder `config` is no configuration, and a file `objects` holds none; through a link it could be any. */
export function fitsPart(part: string, type: string): boolean {
  return Object.hasOwn(parts, part) && (type === "symlink" || type === parts[part]);
}

/**
 * SECURITY(P14): a folder counts as a repository as soon as it has two of the parts, as what is missing may come in
 * another session. Hooks do not count: folders of that name have all sorts of things in them.
 */
export function isPartOfRepository(there: ReadonlySet<string>): boolean {
  return there.size - (there.has("hooks") ? 1 : 0) >= 2;
}

/** Whether git takes a folder with these for a repository. */
export function isWholeRepository(there: ReadonlySet<string>): boolean {
  return there.has("head") && (there.has("commondir") || (there.has("objects") && there.has("refs")));
}
