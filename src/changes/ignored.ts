import ignore, { type Ignore } from "ignore";
import type { BytePath, Change, JudgedChange } from "../model/index.ts";
import { joinPath, nameOf, parentOf, partsOf } from "./byte-path.ts";
import { readBytes } from "./content.ts";
import { entryAt } from "./entry-at.ts";
import type { FileRoot, FileServer, Place } from "./file-server.ts";
import { inDependencyTree } from "./match-protected.ts";
import { pipelinedAll } from "./pipelined.ts";

export interface IgnoredInput {
  readonly server: FileServer;
  readonly layer: FileRoot;
  readonly folder: FileRoot;
}

/** The rules of one folder's .gitignore. */
interface Rules {
  readonly ignores: Ignore;
  /** How many have no star, one, two and so on. */
  readonly byStars: readonly number[];
  /** The session wrote them: they hide only what the session added as well. */
  readonly fromSession: boolean;
}

const window = 64;
const limitBytes = 256 * 1024;
/** Each star more multiplies the steps that a match can take; nobody's rules must hold up the person. */
const mostStars = { host: 4, session: 3 };
/** Steps that all matches together may take, were each as hard as it can be; some seconds. */
const mostWork = 4e9;

/** What may still be spent on matching; what cannot be paid for is not ignored. */
export interface Work {
  left: number;
}

type Ignored = Pick<JudgedChange, "ignored" | "ignoredBySession">;

/**
 * Marks what the folder's own .gitignore files ignore, one in each folder, as git reads them, and what lies in `.git`.
 * The host's files decide; one that only the session has decides over what the session added, but hides neither itself nor
 * what needs the person's eye. No other configuration of git is asked, nor what is tracked. Where rules and paths would take
 * too long together, the rest is not marked: it is shown.
 */
export async function markIgnored<T extends Change & Partial<Pick<JudgedChange, "class">>>(
  input: IgnoredInput,
  changes: readonly T[],
  work: Work = { left: mostWork },
): Promise<readonly (T & Ignored)[]> {
  const rules = await readRules(input, changes);
  const seen = new Map<string, Answer>();
  return changes.map((change) => {
    const isFolder = (change.after ?? change.before)?.type === "directory";
    const by = ignoredBy({ rules, seen, change, work }, isFolder);
    if (by === undefined || (by === "session" && needsEye(change))) return change;
    return { ...change, ignored: true, ...(by === "session" && { ignoredBySession: true }) };
  });
}

/** SECURITY(P16): else the session could write what is applied unseen, by a .gitignore that ignores itself too. */
function needsEye({ path, class: kind }: Change & Partial<Pick<JudgedChange, "class">>): boolean {
  if (nameOf(path) === ".gitignore") return true;
  return kind === "marked" && !inDependencyTree(path, new Set());
}

async function readRules(
  input: IgnoredInput,
  changes: readonly Change[],
): Promise<ReadonlyMap<BytePath, Rules>> {
  const folders = new Set<BytePath>([""]);
  for (const { path } of changes) {
    for (let at = parentOf(path); !folders.has(at); at = parentOf(at)) folders.add(at);
  }
  const found = await pipelinedAll(folders, window, async (folder): Promise<[BytePath, Rules][]> => {
    const path = joinPath(folder, ".gitignore");
    const own = await rulesAt(input.server, { root: input.folder, path });
    if (own !== undefined) return [[folder, { ...rulesOf(own, mostStars.host), fromSession: false }]];
    const theirs = await rulesAt(input.server, { root: input.layer, path });
    if (theirs === undefined) return [];
    return [[folder, { ...rulesOf(theirs, mostStars.session), fromSession: true }]];
  });
  return new Map(found.flat());
}

async function rulesAt(server: FileServer, place: Place): Promise<string[] | undefined> {
  const entry = await entryAt(server, place);
  if (entry?.type !== "file" || entry.size > limitBytes) return undefined;
  const bytes = await readBytes(server, place, { offset: 0, limitBytes });
  return bytes
    .toString("latin1")
    .replace(/^\xef\xbb\xbf/, "")
    .split(/\r?\n/);
}

const starsIn = (line: string): number => line.match(/\*+/g)?.length ?? 0;

/** Patterns and names are compared byte by byte, as git does. */
function rulesOf(all: readonly string[], most: number): Pick<Rules, "ignores" | "byStars"> {
  const lines = all.filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const quick = lines.filter((line) => line.length < 1000 && starsIn(line) <= most);
  const byStars = Array.from({ length: most + 1 }, () => 0);
  for (const line of quick) byStars[starsIn(line)] = (byStars[starsIn(line)] ?? 0) + 1;
  return { ignores: ignore({ ignorecase: false, allowRelativePaths: true }).add(quick), byStars };
}

/** Steps that it can take at the most to match all rules against a name: each star may begin at each of its characters. */
function workFor({ byStars }: Rules, { length }: string): number {
  let [each, sum] = [length, 0];
  for (const [stars, count] of byStars.entries()) {
    sum += count * each;
    each *= length / (stars + 2);
  }
  return sum;
}

/** Whose .gitignore ignores something; undefined: none does. */
type Answer = "host" | "session" | undefined;

interface Asking {
  readonly rules: ReadonlyMap<BytePath, Rules>;
  /** Answers for folders, which many paths share. */
  readonly seen: Map<string, Answer>;
  readonly change: Change;
  readonly work: Work;
}

function ignoredBy(asking: Asking, isFolder: boolean): Answer {
  const { path, kind } = asking.change;
  const parts = partsOf(path);
  if (parts.includes(".git")) return "host";
  const isAdded = kind === "added";
  for (let depth = 1; depth <= parts.length; depth++) {
    const at = parts.slice(0, depth).join("/");
    const folder = depth < parts.length || isFolder;
    const key = `${isAdded ? "+" : " "}${at}${folder ? "/" : ""}`;
    const answer = asking.seen.has(key) ? asking.seen.get(key) : decide(asking, { at, folder, isAdded });
    asking.seen.set(key, answer);
    // Nothing below an ignored folder is taken back in.
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** The innermost .gitignore that has a word on it decides. */
function decide(
  { rules, work }: Asking,
  { at, folder, isAdded }: { readonly at: BytePath; readonly folder: boolean; readonly isAdded: boolean },
): Answer {
  for (let above = parentOf(at); ; above = parentOf(above)) {
    const found = rules.get(above);
    if (found !== undefined && (isAdded || !found.fromSession)) {
      const below = above === "" ? at : at.slice(above.length + 1);
      work.left -= workFor(found, below);
      if (work.left < 0) return undefined;
      const { ignored, unignored } = found.ignores.test(folder ? `${below}/` : below);
      if (ignored || unignored) return !ignored ? undefined : found.fromSession ? "session" : "host";
    }
    if (above === "") return undefined;
  }
}
