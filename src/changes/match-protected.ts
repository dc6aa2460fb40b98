import type { BytePath } from "../model/index.ts";
import { partsOf, readable } from "./byte-path.ts";
import { dependencyTrees, type ProtectedPath, protectedPaths } from "./protected-paths.ts";

/** A rule that a path falls under. */
export interface ProtectedMatch {
  readonly rule: ProtectedPath;
  /** How many parts of the path, from its start, are what the rule protects as such. */
  readonly depth: number;
}

/** What of a change decides, besides its path. */
export interface Subject {
  readonly path: BytePath;
  readonly executable: boolean;
  /** Something stands there through which a whole tree can appear: a symlink. */
  readonly standsForTree: boolean;
  /** A folder as such holds nothing: what is in it is looked at by itself. */
  readonly plainFolder: boolean;
}

/**
 * A part of a path as the most careless file system would read it: case folded, compatible characters made one,
 * ignorable ones dropped, Windows's trailing dots and spaces, streams and short name of `.git` undone.
 */
export function foldedName(name: string): string {
  return fold(name, true);
}

function fold(name: string, cutsStream: boolean): string {
  if (/^[!-9;-~]*$/.test(name) && !name.endsWith(".") && !name.includes("~")) return name.toLowerCase();
  const folded = readable(name)
    .normalize("NFKC")
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu, "")
    .toLowerCase()
    .normalize("NFC")
    .replace(cutsStream ? /:.*$/s : /$^/, "")
    .replace(/[. ]+$/, "");
  return folded === "git~1" ? ".git" : folded;
}

/** A path that every file system reads as it stands, but for the case: nearly all are. */
const isOrdinary = (path: BytePath): boolean =>
  /^[!-9;-[\]-}]*$/.test(path) && !path.includes("./") && !path.endsWith(".");

/** The folded parts; a backslash separates, as it does where the folder may be copied to. */
export function foldedParts(path: BytePath): readonly string[] {
  if (isOrdinary(path)) return partsOf(path.toLowerCase());
  return partsOf(path).flatMap((part) => part.split("\\").map(foldedName));
}

/**
 * Where a part has a colon, the whole of it and not the stream's file: only together do both spellings cover what
 * begins with a pattern.
 */
function wholeParts(path: BytePath): readonly string[] {
  // Without a colon both are the same.
  if (isOrdinary(path)) return [];
  return partsOf(path).flatMap((part) => part.split("\\").map((each) => fold(each, false)));
}

interface Compiled {
  /** Its place in the list: the first that fits decides. */
  readonly order: number;
  readonly rule: ProtectedPath;
  readonly parts: readonly (string | RegExp)[];
  readonly tree: boolean;
}

function compile(rule: ProtectedPath, order: number): Compiled {
  const tree = rule.pattern.endsWith("/");
  const parts = rule.pattern.replace(/\/$/, "").split("/");
  return { order, rule, tree, parts: parts.map(compilePart) };
}

function compilePart(part: string): string | RegExp {
  if (!part.includes("*") || part === "**") return part;
  return new RegExp(`^${part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^]*")}$`);
}

const compiled: readonly Compiled[] = protectedPaths.map(compile);
/** By literal first part, so that a path asks few rules; those that begin with a pattern ask every part. */
const byFirstPart = groupByFirst(compiled);
const withPattern = compiled.filter(({ parts }) => typeof parts[0] !== "string");
/** One look for all of those, which hardly any name passes. */
const anyPattern = new RegExp(
  withPattern.flatMap(({ parts: [first] }) => (first instanceof RegExp ? [first.source] : [])).join("|"),
);

function candidatesFor(part: string): readonly Compiled[] {
  const literal = byFirstPart.get(part) ?? [];
  return anyPattern.test(part) ? [...literal, ...withPattern] : literal;
}

/** Whether any rule begins with such a part: of hardly any path one does. */
const isInRules = (part: string): boolean => byFirstPart.has(part) || anyPattern.test(part);

function groupByFirst(rules: readonly Compiled[]): ReadonlyMap<string, readonly Compiled[]> {
  const groups = new Map<string, Compiled[]>();
  for (const rule of rules) {
    const [first] = rule.parts;
    if (typeof first !== "string") continue;
    groups.set(first, [...(groups.get(first) ?? []), rule]);
  }
  return groups;
}

/** The first rule, in the list's order, that a change falls under; `above` are the parts that the folder itself lies in. */
export function matchProtected(subject: Subject, above: readonly string[] = []): ProtectedMatch | undefined {
  const parts = [...above, ...foldedParts(subject.path)];
  const spelled = wholeParts(subject.path);
  if (![parts, spelled].some((each) => each.some(isInRules))) return undefined;
  const names = parts.map((part) => [part]);
  for (const [index, whole] of spelled.entries()) {
    const both = names[above.length + index];
    if (both !== undefined && both[0] !== whole) both.push(whole);
  }
  let best: { readonly order: number; readonly match: ProtectedMatch } | undefined;
  for (const [start, both] of names.entries()) {
    for (const candidate of both.flatMap(candidatesFor)) {
      if (best !== undefined && best.order <= candidate.order) continue;
      const depth = matchAt(candidate, names, { start, subject });
      // What the connected folder itself lies in protects all of it, and is no path that the person could name.
      if (depth === undefined) continue;
      best = {
        order: candidate.order,
        match: { rule: candidate.rule, depth: Math.max(depth - above.length, 1) },
      };
    }
  }
  return best?.match;
}

function matchAt(
  candidate: Compiled,
  parts: readonly (readonly string[])[],
  at: { readonly start: number; readonly subject: Subject },
): number | undefined {
  const { rule, tree } = candidate;
  if (rule.executable === true && !at.subject.executable) return undefined;
  const end = matchParts(candidate.parts, parts.slice(at.start), at.subject.standsForTree);
  if (end === undefined) return undefined;
  const reached = at.start + end;
  if (at.subject.plainFolder && reached === parts.length) return undefined;
  return tree || reached === parts.length ? reached : undefined;
}

/**
 * How many of `given` the pattern takes. Where something that stands for a tree ends before the pattern does, all of
 * it is taken: a symlink `.git` makes whatever it points to `.git/hooks`.
 */
function matchParts(
  pattern: readonly (string | RegExp)[],
  given: readonly (readonly string[])[],
  standsForTree: boolean,
): number | undefined {
  const [first, ...rest] = pattern;
  if (first === undefined) return 0;
  if (given.length === 0) return standsForTree ? 0 : undefined;
  if (first === "**") {
    for (let skipped = 1; skipped <= given.length; skipped++) {
      const taken = matchParts(rest, given.slice(skipped), standsForTree);
      if (taken !== undefined) return skipped + taken;
    }
    return undefined;
  }
  const fits = given[0]?.some((part) => (typeof first === "string" ? first === part : first.test(part)));
  const taken = fits ? matchParts(rest, given.slice(1), standsForTree) : undefined;
  return taken === undefined ? undefined : taken + 1;
}

/** Whether a path lies in a tree of other people's packages. `trees`: those that have it by more than their names. */
export function inDependencyTree(path: BytePath, trees: ReadonlySet<BytePath>): boolean {
  const parts = partsOf(path);
  return parts.slice(0, -1).some((part, index) => {
    const tree = parts.slice(0, index + 1).join("/");
    return dependencyTrees.includes(part) || trees.has(tree);
  });
}
