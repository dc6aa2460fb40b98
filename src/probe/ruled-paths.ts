import { type Dirent, lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { FoundPath, HostFacts, PathRule, Sourced } from "../model/index.ts";
import { patternMatcher } from "./path-pattern.ts";
import { isInsideAny } from "./trusted-path.ts";

/** More than any folder that somebody works in; a search that ends early would leave out what it has not seen. */
const MOST_ENTRIES = 2_000_000;

interface Search {
  /** Real paths of what a cell sees: connected folders, and those of the system. */
  readonly roots: readonly string[];
  left: number;
}

function list(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It has just gone, or the person may not read it: nor may the cell.
    return [];
  }
}

function count(search: Search, rule: Sourced<PathRule>): void {
  search.left -= 1;
  if (search.left >= 0) return;
  throw new WorkcellError("WC_SETTINGS", {
    message: `Cannot find what "${printable(rule.value.path)}" (${rule.origin}) is about: more than ${MOST_ENTRIES} files would have to be looked at`,
    remedy: "Name a folder in place of the pattern, or connect a smaller one",
  });
}

/** Everything below a folder, folders before what is in them; links are not followed. `enter` says where to go on. */
function* walk(folder: string, enter: (folder: string) => boolean): Generator<string> {
  for (const entry of list(folder)) {
    const place = path.join(folder, entry.name);
    yield place;
    if (entry.isDirectory() && enter(place)) yield* walk(place, enter);
  }
}

/** Folders that an expression's names can lie in: where they begin, cut to what a cell sees. */
function placesFor(base: string, roots: readonly string[]): readonly string[] {
  const within = roots.filter((root) => isInsideAny(root, [base]));
  return isInsideAny(base, roots) ? [base] : within;
}

function* matches(rule: Sourced<PathRule>, search: Search): Generator<string> {
  const { value } = rule;
  const { base, fits } = patternMatcher(value.path);
  for (const start of placesFor(realOrSelf(base), search.roots)) {
    for (const place of walk(start, () => true)) {
      count(search, rule);
      // Where the pattern's own folder is reached through a link, names below it are compared as they are spelled.
      const spelled = isInsideAny(place, [realOrSelf(base)])
        ? base + place.slice(realOrSelf(base).length)
        : place;
      if (fits(spelled)) yield place;
    }
  }
}

function* called(
  rule: Sourced<Extract<PathRule, { readonly names: readonly string[] }>>,
  search: Search,
): Generator<string> {
  const { path: root, names, depth } = rule.value;
  const below = (place: string) => place.slice(root.length + 1).split("/").length;
  const firsts = new Map<string, readonly string[]>();
  for (const name of names) {
    const [first = ""] = name.split("/");
    firsts.set(first, [...(firsts.get(first) ?? []), name]);
  }
  // What stands in a folder of `.git` and its like is not another place to look in.
  for (const place of walk(root, (folder) => below(folder) < depth && !firsts.has(path.basename(folder)))) {
    count(search, rule);
    for (const name of firsts.get(path.basename(place)) ?? []) yield path.join(path.dirname(place), name);
  }
}

function realOrSelf(place: string): string {
  try {
    return realpathSync(place);
  } catch {
    return place;
  }
}

/** What stands there itself; undefined when nothing does, and below what is no folder nothing can. */
function lookAt(place: string): Stats | undefined {
  try {
    return lstatSync(place, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function describe(place: string, rule: Sourced<PathRule>, roots: readonly string[]): FoundPath | undefined {
  const link = lookAt(place);
  if (link === undefined) return undefined;
  const real = realOrSelf(place);
  const found = statSync(real, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const root = roots.filter((one) => isInsideAny(real, [one])).sort((a, b) => a.length - b.length)[0];
  const parts =
    root === undefined
      ? []
      : real
          .slice(root.length + 1)
          .split("/")
          .slice(0, -1);
  const above = parts.map((_, index) => {
    const folder = path.join(root ?? "/", ...parts.slice(0, index + 1));
    const { dev: device, ino: inode } = lstatSync(folder);
    return { path: folder, device, inode };
  });
  const { dev: device, ino: inode } = found;
  const { effect } = rule.value;
  return { effect, path: real, isFolder: found.isDirectory(), device, inode, above, origin: rule.origin };
}

function isMeant(found: FoundPath, rule: PathRule): boolean {
  // A whole repository is worked on; only the file that a worktree has in its place is start-up configuration.
  return !("names" in rule) || !found.isFolder || path.basename(found.path) !== ".git";
}

/** Whether a path that is not there is guarded: git's own only in a repository, or none could be made. */
function isGuarded(place: string): boolean {
  const repository = /^(.*\/\.git)\/(hooks|config)$/.exec(place)?.[1];
  if (repository === undefined) return path.basename(place) !== ".git";
  return lookAt(repository)?.isDirectory() === true;
}

/** Names that are to be kept from appearing, where the folder itself is all that is looked at. */
function absentOf({
  value,
  origin,
}: Sourced<PathRule>): { readonly path: string; readonly origin: string }[] {
  if (value.effect !== "freeze" || ("pattern" in value && value.pattern === true)) return [];
  const places = "names" in value ? value.names.map((name) => path.join(value.path, name)) : [value.path];
  return places
    .filter((place) => lookAt(place) === undefined && isGuarded(place))
    .map((place) => ({ path: path.join(realOrSelf(path.dirname(place)), path.basename(place)), origin }));
}

/** Looks up what path rules are about, among what a cell is going to see. Throws WC_SETTINGS when there is too much. */
export function findRuledPaths(
  rules: readonly Sourced<PathRule>[],
  roots: readonly string[],
): Required<Pick<HostFacts, "ruledPaths" | "absentPaths">> {
  const search: Search = { roots, left: MOST_ENTRIES };
  const found = new Map<string, FoundPath>();
  for (const rule of rules) {
    for (const place of placesOf(rule, search)) {
      const one = describe(place, rule, roots);
      if (one !== undefined && isMeant(one, rule.value)) found.set(`${one.effect} ${one.path}`, one);
    }
  }
  return { ruledPaths: [...found.values()], absentPaths: rules.flatMap(absentOf) };
}

function placesOf(rule: Sourced<PathRule>, search: Search): Iterable<string> {
  const { value } = rule;
  if ("names" in value) return called({ ...rule, value }, search);
  return value.pattern === true ? matches(rule, search) : [value.path];
}
