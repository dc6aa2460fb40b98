/** A path below a connected folder, one character a byte (latin1), since names need not be UTF-8. "" is the folder itself. */
export type BytePath = string;

export type EntryType = "file" | "directory" | "symlink" | "fifo" | "socket" | "device";

/** What stands at a path. Nothing of it is followed. */
export interface Entry {
  readonly type: EntryType;
  /** Permission bits, the set-id and sticky ones included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes; of files only, else 0. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly device: bigint;
  readonly inode: bigint;
  /** Names that this file has. */
  readonly links: number;
  /** What a symlink says, in bytes. */
  readonly target?: BytePath;
  /** Extended attributes by name, values in bytes; without overlayfs's own. Absent: none. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** A folder nested so deep that what is in it was not looked at. */
  readonly tooDeep?: true;
}

/**
 * added: nothing stood there; changed: another content or type; attributes: the same content under another mode,
 * owner or extended attributes; removed: with everything below it.
 */
export type ChangeKind = "added" | "changed" | "attributes" | "removed";

/** One path that a session made different from the person's folder. */
export interface Change {
  readonly path: BytePath;
  readonly kind: ChangeKind;
  /** What the person's folder holds there now; absent for `added`. */
  readonly before?: Entry;
  /** What the session holds there; absent for `removed`. */
  readonly after?: Entry;
  /** An earlier path of the same list that is the same file in the session (hard link). */
  readonly sameFileAs?: BytePath;
  /** The host changed this path after the folder was connected: both are shown, nothing is overwritten. */
  readonly conflict?: string;
}

/**
 * refused: not applied unless the person names the path; marked: applied like any other, and pointed out; waiting: in
 * `auto` alone, applied only when the person says so.
 */
export type ChangeClass = "plain" | "marked" | "refused" | "waiting";

export interface JudgedChange extends Change {
  readonly class: ChangeClass;
  /** Why it is not plain, in the words of the person's list of protected paths. */
  readonly reason?: string;
  /** A .gitignore of the folder ignores it. */
  readonly ignored?: boolean;
  /** One that the session wrote, and the person has not. */
  readonly ignoredBySession?: true;
}
