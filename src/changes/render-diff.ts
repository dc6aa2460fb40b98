import { printableLines } from "../lib/printable.ts";
import type { Entry } from "../model/index.ts";
import { bytesOf, readable, shownPath, utf8Of } from "./byte-path.ts";
import type { DeltaBody, DescribedChange } from "./describe-changes.ts";
import { shownMode, shownSize, wordOf } from "./remark.ts";
import type { ChangeCounts } from "./summarise.ts";

/** Colours of a terminal, by what they are for. */
const colours = { head: "1", hunk: "36", added: "32", removed: "31", note: "33" } as const;

type Colour = keyof typeof colours;

function painted(text: string, colour: Colour | undefined): string {
  return colour === undefined || text === "" ? text : `\x1b[${colours[colour]}m${text}\x1b[0m`;
}

/** A patch for a terminal: text as text, and nothing in it that could steer the terminal but our own colours. */
export function shownPatch(patch: string, options: { readonly colour: boolean }): string {
  let inHunk = 0;
  return patch.replace(/[^\n]+/g, (line) => {
    const opens = inHunk <= 0 && line.startsWith("@@ -");
    const colour = colourOf(line, { inHunk: inHunk > 0, opens });
    if (opens) inHunk = linesIn(line);
    else if (inHunk > 0 && !line.startsWith("\\")) inHunk -= line.startsWith(" ") ? 2 : 1;
    return options.colour ? painted(shownLine(line), colour) : shownLine(line);
  });
}

/** A carriage return at the end is what a change of line ends consists of, so it is shown. */
function shownLine(line: string): string {
  return line.endsWith("\r")
    ? `${printableLines(readable(line.slice(0, -1)))}\\r`
    : printableLines(readable(line));
}

/** How many lines of both sides a hunk's head promises. */
function linesIn(head: string): number {
  const [, oldLines, newLines] = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(head) ?? [];
  return Number(oldLines ?? 1) + Number(newLines ?? 1);
}

function colourOf(
  line: string,
  at: { readonly inHunk: boolean; readonly opens: boolean },
): Colour | undefined {
  if (at.opens) return "hunk";
  if (at.inHunk) return line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : undefined;
  if (line.startsWith("\\ No newline")) return undefined;
  return line.startsWith("# ") ? "note" : "head";
}

export interface StatOptions {
  /** Columns of the whole line. */
  readonly width: number;
  readonly colour: boolean;
  /** Columns of the longest name; absent: names are as long as they are. */
  readonly nameWidth?: number;
}

/** What `--stat` says of a change: `src/a.ts | 12 +++++++-----`; without the line's end. */
export function statLine(described: DescribedChange, options: StatOptions): string {
  const { change } = described;
  const bar = Math.max(10, Math.floor(options.width / 3));
  const { added, removed } = lineCounts(described);
  const total = added + removed;
  const scale = total > bar ? bar / total : 1;
  const paint = (text: string, colour: Colour) => (options.colour ? painted(text, colour) : text);
  const plus = "+".repeat(Math.ceil(added * scale));
  const minus = "-".repeat(Math.ceil(removed * scale));
  const graph = `${paint(plus, "added")}${paint(minus, "removed")}`;
  const count = options.nameWidth === undefined ? `${total}` : `${total}`.padStart(4);
  const isWhole = total > 0 && described.rest === undefined;
  const told = isWhole ? `${count} ${graph}` : kindWord(described);
  const remarks = [
    change.class === "plain" ? "" : change.class,
    change.conflict === undefined ? "" : "conflict",
  ];
  const said = remarks.filter((each) => each !== "").join(", ");
  const name = shortened(shownPath(change.path), options);
  return ` ${name} | ${told}${said === "" ? "" : ` (${said})`}`;
}

/** The end of a name tells more than its beginning. Half of the line is the name's, at most. */
function shortened(name: string, { width, nameWidth }: StatOptions): string {
  if (nameWidth === undefined) return name;
  const most = Math.min(nameWidth, Math.max(20, Math.floor(width / 2)));
  return name.length <= most ? name.padEnd(most) : `...${name.slice(3 - most)}`;
}

function lineCounts({ files }: DescribedChange): { added: number; removed: number } {
  const texts = files.flatMap(({ body }) => (body.kind === "text" ? [body] : []));
  return {
    added: texts.reduce((sum, { added }) => sum + added, 0),
    removed: texts.reduce((sum, { removed }) => sum + removed, 0),
  };
}

function kindWord({ change, files, rest, renamedFrom, renamedTo }: DescribedChange): string {
  const { kind, before, after } = change;
  if (renamedFrom !== undefined) return `renamed from ${shownPath(renamedFrom)}`;
  if (renamedTo !== undefined) return `renamed to ${shownPath(renamedTo)}`;
  if (kind === "attributes" && before !== undefined && after !== undefined && before.mode !== after.mode) {
    return `mode ${shownMode(before)} -> ${shownMode(after)}`;
  }
  const folder = (after ?? before)?.type === "directory" ? `folder ${kind}` : kind;
  if (rest !== undefined) return `${folder}, ${files.length + rest.files} files`;
  if (folder !== kind) return folder;
  for (const { body } of files)
    if (body.kind === "binary" || body.kind === "large")
      return before === undefined || after === undefined
        ? `${wordOf(body)}, ${kind}, ${shownSize((after ?? before)?.size ?? 0)}`
        : `${wordOf(body)}, ${shownSize(before.size)} -> ${shownSize(after.size)}`;
  return kind;
}

/** Bytes that are no text are given in base64 besides. */
interface JsonPath {
  readonly path: string;
  readonly pathBytes?: string;
}

export interface JsonChange extends JsonPath {
  readonly kind: string;
  readonly class: string;
  readonly reason?: string;
  readonly conflict?: string;
  readonly ignored?: true;
  readonly sameFileAs?: string;
  /** The other path of a file that was moved, content unchanged. */
  readonly renamedFrom?: string;
  readonly renamedTo?: string;
  readonly before?: JsonEntry;
  readonly after?: JsonEntry;
  /** Lines of text, together for all files of a tree that goes. */
  readonly addedLines?: number;
  readonly removedLines?: number;
  /** Files of a tree that goes whose lines are not among these. */
  readonly notRead?: { readonly files: number; readonly bytes: number };
  readonly binary?: true;
  /** Text, with more in it than `diff` shows. */
  readonly tooLarge?: true;
  /** What a picture or document says of itself, from before to after. */
  readonly note?: string;
}

interface JsonEntry {
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly target?: string;
}

/** The whole diff as a program reads it. */
export interface JsonDiff {
  readonly schema: "workcell.diff/1";
  readonly session: string;
  readonly folder: string;
  readonly summary: ChangeCounts;
  readonly changes: readonly JsonChange[];
}

/** What a program is told of one change. */
export function jsonChange(described: DescribedChange): JsonChange {
  const { change, files, rest, renamedFrom, renamedTo } = described;
  const { kind, reason, conflict, sameFileAs, before, after } = change;
  const bodies: readonly DeltaBody[] = files.map(({ body }) => body);
  const { added, removed } = lineCounts(described);
  const binary = bodies.find((body) => body.kind === "binary");
  return {
    ...jsonPath(change.path),
    kind,
    class: change.class,
    ...(reason !== undefined && { reason }),
    ...(conflict !== undefined && { conflict }),
    ...(change.ignored === true && { ignored: true }),
    ...(sameFileAs !== undefined && { sameFileAs: readable(sameFileAs) }),
    ...(renamedFrom !== undefined && { renamedFrom: readable(renamedFrom) }),
    ...(renamedTo !== undefined && { renamedTo: readable(renamedTo) }),
    ...(before !== undefined && { before: jsonEntry(before) }),
    ...(after !== undefined && { after: jsonEntry(after) }),
    ...(bodies.some((body) => body.kind === "text") && { addedLines: added, removedLines: removed }),
    ...(rest !== undefined && { notRead: rest }),
    ...(binary !== undefined && { binary: true }),
    ...(bodies.some(({ kind }) => kind === "large") && { tooLarge: true }),
    ...(binary?.kind === "binary" && binary.note !== "" && { note: binary.note }),
  };
}

function jsonPath(path: string): JsonPath {
  const text = utf8Of(path);
  return text === undefined
    ? { path: readable(path), pathBytes: bytesOf(path).toString("base64") }
    : { path: text };
}

function jsonEntry(entry: Entry): JsonEntry {
  const { type, uid, gid, size, target } = entry;
  return {
    type,
    mode: shownMode(entry),
    uid,
    gid,
    size,
    ...(target !== undefined && { target: readable(target) }),
  };
}

export function jsonDiff(
  about: Pick<JsonDiff, "session" | "folder" | "summary">,
  described: readonly DescribedChange[],
): JsonDiff {
  return { schema: "workcell.diff/1", ...about, changes: described.map(jsonChange) };
}
