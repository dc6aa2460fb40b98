import { type FolderIdentity, isSameFolder } from "../../lib/folder-identity.ts";
import type { BytePath, Entry } from "../../model/index.ts";
import type { Known } from "../file-server.ts";

/** What tells one state of one file from any other. Decimal numbers as text, since journals are JSON. */
export interface Identity {
  readonly device: string;
  readonly inode: string;
  readonly ctimeNs: string;
  readonly mtimeNs: string;
  readonly size: number;
}

/** Owner, bits and time that something gets. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: string;
}

/** One file, link or folder of what is to stand at a path. */
export interface Part {
  /** Below the operation's path; "" is that path itself. Folders stand before what is in them. */
  readonly path: BytePath;
  readonly type: "file" | "directory" | "symlink";
  readonly attributes: Attributes;
  /** Where its content comes from, below the step's source. */
  readonly from: BytePath;
  /** It is another name of the file at this path of the person's folder, which the same step makes. */
  readonly sameFileAs?: BytePath;
  /** A folder whose bits or extended attributes are set once it is filled. */
  readonly finish?: boolean;
}

/**
 * place: stands where nothing stood; replace: what stood there is exchanged for it; remove: what stood there goes, with
 * all below; attributes: content stays, bits, owner and extended attributes change.
 */
export type OperationKind = "place" | "replace" | "remove" | "attributes";

/** What a step does at one path of the person's folder. No two of a step concern one path, or one below another. */
export interface Operation {
  readonly kind: OperationKind;
  readonly path: BytePath;
  /** What was decided on: it must stand there still. Absent for `place`. */
  readonly before?: Identity;
  /** What is to stand there; for `attributes` the one entry. Empty for `remove`. */
  readonly parts: readonly Part[];
  /** All of it is moved here from this name below the step's source, instead of made part by part. */
  readonly moved?: string;
  /** A name beside the path that nobody else has: new content before the exchange, the old after it. */
  readonly beside: BytePath;
  /** Place below the session's steps of what was replaced, removed or, for attributes, of a folder that bears the old ones. */
  readonly kept: string;
}

/** What became of an operation. */
export interface Done {
  readonly path: BytePath;
  /** Why the person's folder is as it was there; absent: it was done. */
  readonly failed?: string;
  /** Its folder could not be reached: how it stands there, and what of it stands beside, the next command looks at. */
  readonly open?: true;
  /**
   * Not done, and what was taken out went back by this time, in ns, though nobody could look at it there: a ctime up to then is of that, and
   * no change of the host's.
   */
  readonly backNs?: string;
  /** What stands there now, part by part. */
  readonly placed?: readonly Placed[];
}

export interface Placed {
  /** Below the connected folder. */
  readonly path: BytePath;
  readonly identity: Identity;
  readonly isFolder?: true;
  /** Where a step changed attributes alone: its extended ones, which no other field tells. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export type StepKind = "apply" | "undo";

/**
 * A numbered step as its journal holds it. planned: nothing but files beside their places was made; staged: from here on
 * it is finished forward; done: the person's folder is as `done` says.
 */
export interface Step {
  readonly schema: "workcell.step/1";
  readonly number: number;
  readonly kind: StepKind;
  /** For an undo: the step that it takes back. */
  readonly of?: number;
  /** The person's folder and the layer's number. */
  readonly folder: string;
  readonly layer: string;
  /** Which folder that was: another one may stand there by now. Absent in journals from before it was taken down. */
  readonly folderIs?: FolderIdentity;
  readonly time: string;
  /** When it was decided on, by the kernel's clock. */
  readonly decidedNs: string;
  readonly state: "planned" | "staged" | "done";
  readonly operations: readonly Operation[];
  /** Inode of what was made beside, by operation path; once done only of what is still open. */
  readonly staged?: Readonly<Record<BytePath, Pick<Identity, "device" | "inode">>>;
  readonly done?: readonly Done[];
  /** Paths that later steps took back; known from those, and in no journal. */
  readonly undone?: readonly BytePath[];
  /** What it replaced and removed is not kept any more: it cannot be undone. What it wrote is still known. */
  readonly forgotten?: true;
}

/** Whether two steps are of one folder, as far as their journals say which it was. */
export function areOfOneFolder(one: Step, other: Step): boolean {
  if (one.folder !== other.folder) return false;
  return one.folderIs === undefined || isFolder(other, one.folderIs);
}

/** Whether a step is of this very folder; true of one whose journal does not say. */
export const isFolder = ({ folderIs }: Pick<Step, "folderIs">, now: FolderIdentity): boolean =>
  folderIs === undefined || isSameFolder(folderIs, now);

export function identityOf(entry: Entry): Identity {
  const { device, inode, ctimeNs, mtimeNs, size } = entry;
  return {
    device: String(device),
    inode: String(inode),
    ctimeNs: String(ctimeNs),
    mtimeNs: String(mtimeNs),
    size,
  };
}

/** The same file with the same content and attributes. */
export function isUntouched(entry: Entry, known: Identity): boolean {
  return isSameFile(entry, known) && String(entry.ctimeNs) === known.ctimeNs;
}

/** The same file with the same content, under whatever name: a rename moves ctime. */
export function hasSameContent(entry: Entry, known: Identity): boolean {
  return isSameFile(entry, known) && String(entry.mtimeNs) === known.mtimeNs && entry.size === known.size;
}

export function isSameFile(entry: Entry, known: Pick<Identity, "device" | "inode">): boolean {
  return String(entry.inode) === known.inode && String(entry.device) === known.device;
}

/** As a place of the file server says it. */
export const isOf = ({ device, inode }: Pick<Identity, "device" | "inode">) => ({
  device: BigInt(device),
  inode: BigInt(inode),
});

/** As a replacement says what it expects. */
export const knownOf = ({ ctimeNs, mtimeNs, size }: Identity, toCtime: boolean): Known => ({
  toCtime,
  ctimeNs: BigInt(ctimeNs),
  mtimeNs: BigInt(mtimeNs),
  size,
});
