import type { BytePath, Entry, JudgedChange } from "../model/index.ts";
import { isBinary, readBytes } from "./content.ts";
import { describeFile } from "./describe-file.ts";
import type { FileRoot, FileServer, LayerEntry, Place } from "./file-server.ts";
import { headOf } from "./head-of.ts";
import { type Hunk, hunksOf } from "./line-diff.ts";
import { pipelined } from "./pipelined.ts";
import { findRenames, type Moved, type Renames } from "./renames.ts";

export interface DescribeInput {
  readonly server: FileServer;
  readonly layer: FileRoot;
  readonly folder: FileRoot;
  readonly changes: readonly JudgedChange[];
  /** Larger files are told, not shown, in bytes; absent: 8 MiB. */
  readonly textLimitBytes?: number;
  /** Of a tree that goes this much is read, in bytes; absent: 16 MiB. */
  readonly treeLimitBytes?: number;
  /** Keep what binary files contain, for a patch that carries them. */
  readonly withBinaries?: boolean;
}

/** A change with what it does to each file: none for folders, several where a tree goes or a type changes. */
export interface DescribedChange {
  readonly change: JudgedChange;
  readonly files: readonly FileDelta[];
  /** Further files of a tree that goes: together they are more than is held at once. */
  readonly rest?: { readonly files: number; readonly bytes: number };
  /** Where the file that came here was, or the one that went from here is, with the same content. */
  readonly renamedFrom?: BytePath;
  readonly renamedTo?: BytePath;
}

/** What happens to one file or symlink, as patches tell it. */
export interface FileDelta {
  readonly path: BytePath;
  readonly before?: Entry;
  readonly after?: Entry;
  readonly body: DeltaBody;
  /** The file that stands here now stood there before, with the same content. */
  readonly renamedFrom?: Moved;
}

export type DeltaBody =
  | { readonly kind: "none" }
  | {
      readonly kind: "text";
      readonly hunks: readonly Hunk[];
      readonly added: number;
      readonly removed: number;
    }
  | {
      /** `large`: text, with more in it than is shown line by line. */
      readonly kind: "binary" | "large";
      /** What is known of it, from before to after: `PNG image, 640×480 -> 800×600`; "" when nothing is. */
      readonly note: string;
      readonly content?: { readonly before: Uint8Array; readonly after: Uint8Array };
    };

const defaultTextLimitBytes = 8 * 1024 * 1024;
const defaultTreeLimitBytes = 16 * 1024 * 1024;
/** Each line takes some memory, however short it is, and several files are read at once. */
const mostLines = 200_000;
const window = 16;

/** Reads what each change does, in the order of the list, a few ahead of whoever listens. */
export async function* describeChanges(
  input: DescribeInput,
): AsyncGenerator<DescribedChange, void, undefined> {
  const renames = await findRenames(input);
  yield* pipelined(input.changes, window, (change) => describeOne(input, change, renames));
}

async function describeOne(
  input: DescribeInput,
  change: JudgedChange,
  { from, to }: Renames,
): Promise<DescribedChange> {
  const { path, kind, after } = change;
  const renamedFrom = kind === "added" ? from.get(path) : undefined;
  if (renamedFrom !== undefined && after !== undefined)
    return {
      ...{ change, renamedFrom: renamedFrom.path },
      files: [{ path, after, renamedFrom, body: { kind: "none" } }],
    };
  // Those that moved are told where they are now.
  const isTold = ({ path: one }: Sides) => kind !== "removed" || !to.has(one);
  const { near, rest } = withinTree((await filesOf(input, change)).filter(isTold), input.treeLimitBytes);
  const files: FileDelta[] = [];
  for (const each of near) files.push({ ...each, body: await bodyOf(input, each) });
  const renamedTo = kind === "removed" ? to.get(path) : undefined;
  return {
    ...{ change, files },
    ...(rest.files > 0 && { rest }),
    ...(renamedTo !== undefined && { renamedTo }),
  };
}

/** The first files, as many as may be held together; one alone is bounded by itself. */
function withinTree(all: readonly Sides[], limit = defaultTreeLimitBytes) {
  const sizes = all.map(({ before, after }) => (before?.size ?? 0) + (after?.size ?? 0));
  let [count, bytes] = [0, 0];
  while (count < all.length && (count === 0 || bytes + (sizes[count] ?? 0) <= limit))
    bytes += sizes[count++] ?? 0;
  const rest = sizes.slice(count);
  return {
    near: all.slice(0, count),
    rest: { files: rest.length, bytes: rest.reduce((sum, size) => sum + size, 0) },
  };
}

type Sides = Omit<FileDelta, "body">;

function isShown(entry: Entry | undefined): entry is Entry {
  return entry?.type === "file" || entry?.type === "symlink";
}

async function filesOf(input: DescribeInput, change: JudgedChange): Promise<readonly Sides[]> {
  const { path, before, after } = change;
  if (before !== undefined && after !== undefined && before.type === after.type) {
    return isShown(after) ? [{ path, before, after }] : [];
  }
  const gone =
    before?.type === "directory"
      ? (await input.server.scan({ root: input.folder, path })).map(goneFrom)
      : [{ path, ...(before !== undefined && { before }) }];
  const come = { path, ...(after !== undefined && { after }) };
  return [...gone.filter((each) => isShown(each.before)), ...(isShown(after) ? [come] : [])];
}

function goneFrom({ path, whiteout: _whiteout, opaque: _opaque, ...before }: LayerEntry): Sides {
  return { path, before };
}

async function bodyOf(input: DescribeInput, { path, before, after }: Sides): Promise<DeltaBody> {
  const limit = input.textLimitBytes ?? defaultTextLimitBytes;
  const at = { before: { root: input.folder, path }, after: { root: input.layer, path } };
  const tooLarge = [before, after].some((entry) => entry?.type === "file" && entry.size > limit);
  let isText = false;
  if (tooLarge) isText = !(await headsOf(input.server, { at, before, after })).some(isBinary);
  else {
    const [was, is] = await Promise.all([
      contentOf(input.server, at.before, before),
      contentOf(input.server, at.after, after),
    ]);
    if (was === is) return { kind: "none" };
    isText = !isBinary(was) && !isBinary(is);
    if (isText && !hasManyLines(was) && !hasManyLines(is)) return textBody(was, is);
  }
  const note = await noteOf(input.server, { at, before, after });
  const kind = isText ? "large" : "binary";
  if (input.withBinaries !== true || tooLarge) return { kind, note };
  const [was, is] = await Promise.all([
    contentOf(input.server, at.before, before),
    contentOf(input.server, at.after, after),
  ]);
  return {
    kind,
    note,
    content: { before: Buffer.from(was, "latin1"), after: Buffer.from(is, "latin1") },
  };
}

/** One character a byte; of a symlink what it says. */
async function contentOf(server: FileServer, place: Place, entry: Entry | undefined): Promise<string> {
  if (entry?.type === "symlink") return entry.target ?? "";
  if (entry?.type !== "file" || entry.size === 0) return "";
  return (await readBytes(server, place, { offset: 0, limitBytes: entry.size })).toString("latin1");
}

interface TwoSides {
  readonly at: { readonly before: Place; readonly after: Place };
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/** The beginnings of both sides, where they are files. */
async function headsOf(server: FileServer, { at, before, after }: TwoSides): Promise<readonly string[]> {
  const headAt = async ({ root, path }: Place, entry: Entry | undefined) =>
    entry?.type === "file" ? [await headOf(server, root, path)] : [];
  return (await Promise.all([headAt(at.before, before), headAt(at.after, after)])).flat();
}

function hasManyLines(content: string): boolean {
  let lines = 0;
  for (let at = content.indexOf("\n"); at >= 0 && lines <= mostLines; at = content.indexOf("\n", at + 1))
    lines++;
  return lines > mostLines;
}

function textBody(before: string, after: string): DeltaBody {
  const hunks = hunksOf(before, after);
  let [added, removed] = [0, 0];
  for (const { lines } of hunks) {
    for (const line of lines) {
      if (line.startsWith("+")) added++;
      else if (line.startsWith("-")) removed++;
    }
  }
  return { kind: "text", hunks, added, removed };
}

async function noteOf(server: FileServer, file: TwoSides): Promise<string> {
  const describe = (place: Place, entry: Entry | undefined) =>
    entry?.type === "file"
      ? describeFile({
          size: entry.size,
          read: (offset, length) => readBytes(server, place, { offset, limitBytes: length }),
        })
      : undefined;
  const [was, is] = await Promise.all([
    describe(file.at.before, file.before),
    describe(file.at.after, file.after),
  ]);
  if (was !== undefined && is !== undefined && was.format === is.format) {
    return `${is.format}, ${was.detail === is.detail ? is.detail : `${was.detail} -> ${is.detail}`}`;
  }
  const told = [was, is].flatMap((each) => (each === undefined ? [] : [`${each.format}, ${each.detail}`]));
  return told.join(" -> ");
}
