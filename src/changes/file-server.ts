import type { BytePath, Entry } from "../model/index.ts";

/** A folder that was opened when the server started; every path is resolved below its descriptor, through no link. */
export type FileRoot = number;

export interface Place {
  readonly root: FileRoot;
  readonly path: BytePath;
  /**
   * What must stand there, else ESTALE. What is read, copied from, linked or given attributes is held by a descriptor and
   * is certainly it; what is exchanged, renamed or removed is looked at just before.
   */
  readonly is?: Pick<Entry, "device" | "inode">;
}

export type Held = Place & Required<Pick<Place, "is">>;

/** Owner, bits and times that a copy gets. Set-id bits are never given. */
export interface CopyAs {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

/** A file of one folder, and what it is to be in another. */
export interface FileCopy {
  readonly from: string;
  readonly to: string;
  readonly as: CopyAs;
}

/** What tells the state of a file that is to be replaced from any other. */
export interface Known extends Pick<Entry, "size" | "mtimeNs" | "ctimeNs"> {
  /** False: its ctime moves with another of its names. */
  readonly toCtime: boolean;
}

/** How far a replacement came. */
export interface Replaced {
  /** False: what came out stands beside still. It is a folder, or not as it is known, or could not be moved. */
  readonly isKept: boolean;
  /** What stands there now, without target and extended attributes. */
  readonly now?: Entry;
}

/** One entry of a layer as overlayfs keeps it. */
export interface LayerEntry extends Entry {
  readonly path: BytePath;
  /** The layer says that what stands here in the folder is gone. */
  readonly whiteout: boolean;
  /** A directory that hides what the folder's own has. */
  readonly opaque: boolean;
}

/**
 * What changes/ needs of the file system and Node has no call for, done by `cellfiles` with openat2
 * (RESOLVE_BENEATH, no links), renameat2 and extended attributes. It holds no policy. Each call rejects with
 * WC_FILES, naming the step, the path and the errno (`error.cause.code`); calls may be sent without awaiting the last.
 */
export interface FileServer {
  /** Undefined: nothing stands there. */
  stat(place: Place): Promise<Entry | undefined>;
  /** What of these names is in a folder, in one request: some two hundred at most. */
  lookAt(folder: Place, names: readonly string[]): Promise<ReadonlyMap<string, Entry>>;
  /**
   * Everything below a place, in the byte order of the names of each folder, each followed by what is in it; the place
   * itself is left out. Paths are below the root. What goes while it is read may be missing. Folders that are nested deeper
   * than paths can be said reject with ENAMETOOLONG, or, where the caller knows what to do about them, are marked and not entered.
   */
  scan(place: Place, how?: { readonly marksDeep: true }): Promise<readonly LayerEntry[]>;
  /** Bytes from an offset; fewer at the end of the file. At most 1 MiB a call. */
  read(place: Place, offset: number, length: number): Promise<Uint8Array>;
  /** Whether two files have the same bytes. */
  isSame(one: Place, other: Place): Promise<boolean>;
  /** Copies a file or a symlink to a name that must not exist: reflinked or sparse where it can be, with its extended attributes. */
  copy(from: Place, to: Place, as: CopyAs): Promise<Entry>;
  /**
   * The same for files of one folder to names in another, in one request. The first that fails ends it: what was made before stays.
   * As many as a request holds: some hundred, where the folders' paths are no longer than the kernel takes at once.
   */
  copyFiles(from: Place, to: Place, files: readonly FileCopy[]): Promise<readonly Entry[]>;
  makeDirectory(place: Place, as: CopyAs): Promise<Entry>;
  /** Another name for a file; the name must not exist. */
  link(from: Place, to: Place): Promise<void>;
  /** Mode, owner, time and extended attributes of `from` (attributes) for what stands at `place`, content untouched. */
  setAttributes(place: Place, as: CopyAs, from: Place): Promise<Entry>;
  /** Both must exist; what was at one place is at the other afterwards, in one step. */
  exchange(one: Place, other: Place): Promise<void>;
  /**
   * In one request a look whether `at` is as it is known, the exchange with `beside`, a look at what came out, and its move to
   * `kept`. ESTALE when either was not what it was to be; after the exchange nothing is refused, but told.
   */
  replace(
    at: Held,
    by: { readonly beside: Held; readonly kept: Place; readonly known: Known },
  ): Promise<Replaced>;
  /** The target must not exist; EXDEV when they lie on different file systems. */
  rename(from: Place, to: Place): Promise<void>;
  /** A file, link or empty directory. */
  remove(place: Place): Promise<void>;
  /**
   * What has these names in a folder, and is no folder itself; one that is gone already is as it is to be. What cannot be
   * removed fails the whole, and what comes after it stays. As many names as a request holds: some two hundred.
   */
  clear(folder: Place, names: readonly string[]): Promise<void>;
  /** Waits until what was written below a root is on the disk. */
  sync(root: FileRoot): Promise<void>;
  close(): Promise<void>;
}

/** What makes a layer of Workcell's own, which overlayfs never saw. */
export interface LayerMaker {
  /** Says that what stands here in the folder is gone; the name must not exist. */
  makeWhiteout(place: Place): Promise<void>;
}

/** What a search through a tree found. */
export interface Found {
  /** In the order in which they were met. */
  readonly entries: ReadonlyMap<BytePath, Entry>;
  /** Folders that were not entered: each can be asked for by itself. */
  readonly unread: readonly BytePath[];
  /** There is more than was to be looked at. */
  readonly isCut: boolean;
}

/** Looks for names in a whole tree, in one call. */
export interface FileFinder {
  /**
   * Whatever below a place has one of these names, which are in lower case with a letter before: `e` for all that has the name,
   * `l` for links of this name, `t` for every link below it; `*` before the name: whatever ends so. What is not plain
   * ASCII counts as all of them. At most `most` entries are looked at.
   */
  find(place: Place, names: readonly string[], most: number): Promise<Found>;
}
