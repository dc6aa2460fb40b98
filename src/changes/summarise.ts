import type { BytePath, JudgedChange } from "../model/index.ts";
import type { DescribedChange } from "./describe-changes.ts";

/**
 * How many paths of each kind. A path counts once as added, changed, removed or mode, and once for each word besides. A new
 * folder is a path, and so is each thing in it; a folder that is gone is one.
 */
export interface ChangeCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Only mode, owner or extended attributes. */
  readonly mode: number;
  /** Counted above as well: what is, or was, a folder. */
  readonly folders: number;
  readonly binary: number;
  readonly marked: number;
  readonly refused: number;
  readonly waiting: number;
  readonly conflicts: number;
  /** Counted above as well. */
  readonly ignored: number;
}

/** Paths at which something is no text, on either side. */
export function binaryPaths(described: readonly DescribedChange[]): ReadonlySet<BytePath> {
  const isBinary = ({ files }: DescribedChange) => files.some(({ body }) => body.kind === "binary");
  return new Set(described.filter(isBinary).map(({ change }) => change.path));
}

/** Counts changes; `binary` are those known to be, which only their content tells. */
export function summarise(
  changes: readonly JudgedChange[],
  binary: ReadonlySet<BytePath> = new Set(),
): ChangeCounts {
  const count = (fits: (change: JudgedChange) => boolean) => changes.filter(fits).length;
  return {
    added: count(({ kind }) => kind === "added"),
    changed: count(({ kind }) => kind === "changed"),
    removed: count(({ kind }) => kind === "removed"),
    mode: count(({ kind }) => kind === "attributes"),
    folders: count(({ before, after }) => (after ?? before)?.type === "directory"),
    binary: count(({ path }) => binary.has(path)),
    marked: count((change) => change.class === "marked"),
    refused: count((change) => change.class === "refused"),
    waiting: count((change) => change.class === "waiting"),
    conflicts: count(({ conflict }) => conflict !== undefined),
    ignored: count(isSummedUp),
  };
}

/**
 * Whether a change is told in one line with its like: ignored, and nothing about it needs a decision. What is marked in
 * dependencies is so in all of them: a line each would hide the rest.
 */
export function isSummedUp(change: JudgedChange): boolean {
  const isQuiet = change.class === "plain" || change.class === "marked";
  return change.ignored === true && isQuiet && change.conflict === undefined;
}

const words: readonly (readonly [keyof ChangeCounts, string])[] = [
  ["added", "added"],
  ["changed", "changed"],
  ["removed", "removed"],
  ["mode", "mode"],
  ["binary", "binary"],
  ["marked", "marked"],
  ["waiting", "waiting"],
  ["refused", "refused"],
  ["conflicts", "in conflict"],
  ["ignored", "ignored"],
];

/** `3 added, 1 changed, 1 refused; 1 folder among them`; "no changes" when there are none. */
export function summaryLine(counts: ChangeCounts): string {
  const parts = words.flatMap(([key, word]) => (counts[key] === 0 ? [] : [`${counts[key]} ${word}`]));
  const { folders } = counts;
  const of = folders === 0 ? "" : `; ${folders} folder${folders === 1 ? "" : "s"} among them`;
  return parts.length === 0 ? "no changes" : `${parts.join(", ")}${of}`;
}
