import type { LimitFacts } from "./limits.ts";
import type { Origin } from "./policy.ts";
import type { PresetName } from "./settings.ts";

/** A program found on the host. */
export interface Tool {
  /** Absolute path as found on PATH. */
  readonly path: string;
  /** The same with every symlink resolved. */
  readonly realPath: string;
}

/** A folder that was looked up on disk for a mount request. */
export interface FolderFacts {
  /** Absolute, symlinks resolved. */
  readonly realPath: string;
  readonly uid: number;
  readonly gid: number;
  readonly device: number;
  readonly inode: number;
  /** What is mounted below it, first come first; looked up only for modes that merge it with a layer. */
  readonly mountedBelow?: readonly string[];
}

/** Something that a path rule is about, as it was found. */
export interface FoundPath {
  readonly effect: "hide" | "show" | "freeze";
  /** Absolute, symlinks resolved. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly device: number;
  readonly inode: number;
  /** The folders that it lies in, outermost first, from the connected one down (which is not among them). */
  readonly above: readonly { readonly path: string; readonly device: number; readonly inode: number }[];
  readonly origin: Origin;
}

/** What a host's own tool says of its configuration, as far as a preset needs it. */
export interface PresetFacts {
  readonly preset: PresetName;
  /** `found: false`: the host has no such tool, and the preset adds nothing. */
  readonly found: boolean;
  /** `host` or `host:port`, as the tool's own configuration names them. */
  readonly hosts: readonly string[];
  /** Variables that make the tool inside behave as the host's is configured (registry, CA file, ...). */
  readonly environment: Readonly<Record<string, string>>;
  /** The upstream proxy the tool itself is configured for, without credentials: the gate's to use, not the cell's. */
  readonly proxy?: string;
  /** Why the tool could not be asked, in words for the person; its hosts are then none or not all. */
  readonly problem?: string;
}

/** A folder or file in the person's home that a tool consists of. */
export interface ToolPlace {
  /** By the path that programs know it by. */
  readonly path: string;
  readonly realPath: string;
  /** Whose it is; for the person. */
  readonly reason: string;
}

/** The person's own tools: what is on PATH and lies in the home, and nothing else of it. */
export interface HomeTools {
  /** Folders of PATH, in order. */
  readonly path: readonly string[];
  /** Those folders, and what their programs consist of. */
  readonly places: readonly ToolPlace[];
  /** Variables without which a tool would look for itself in the cell's home. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What was found on this machine. Gathered once by probe/, and an input to everything pure. */
export interface HostFacts {
  readonly uid: number;
  readonly gid: number;
  readonly arch: "x86_64" | "aarch64";
  readonly kernel: string;
  readonly home: string;
  readonly cwd: string;
  /** Workcell's own folders, by their real paths: what holds its records, and what steers it. */
  readonly own: { readonly records: string; readonly steering: readonly string[] };
  readonly umask: number;
  readonly bwrap: Tool;
  readonly socat: Tool;
  readonly bash: Tool;
  /** Node as it runs Workcell. */
  readonly node: Tool;
  /** The folders of that Node: its programs, and its global packages where there are any; symlinks resolved. */
  readonly nodeFolders: readonly string[];
  /** Absent: there are none. */
  readonly homeTools?: HomeTools;
  /** Workcell's own native programs: the one that supervises a cell, and the one that seals its command inside. */
  readonly cellhost: string;
  readonly cellinit: string;
  /** Folders on PATH, absolute ones only, in order. */
  readonly path: readonly string[];
  /** Names in `/` that are symlinks into /usr (`bin` -> `usr/bin`), and those that are folders. */
  readonly rootLinks: Readonly<Record<string, string>>;
  readonly rootFolders: readonly string[];
  /** Names in /etc, and those that are symlinks into /usr (`localtime` -> `/usr/share/zoneinfo/...`). */
  readonly etc: readonly string[];
  readonly etcLinks: Readonly<Record<string, string>>;
  /** Of the paths that a plan may want to show or cover, those that exist. */
  readonly existing: readonly string[];
  /** Files that variables such as SSL_CERT_FILE name and that exist, symlinks resolved, by path as named. */
  readonly caFiles: Readonly<Record<string, string>>;
  /** Workcell's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders asked for, by the source as it was written. */
  readonly folders: Readonly<Record<string, FolderFacts>>;
  /** What path rules are about; absent: there are no rules. */
  readonly ruledPaths?: readonly FoundPath[];
  /** Paths that are not to be written, and are not there. */
  readonly absentPaths?: readonly { readonly path: string; readonly origin: Origin }[];
  /** What stands in /etc/subuid: ranges that belong to somebody. */
  readonly subuids: readonly { readonly owner: string; readonly first: number; readonly count: number }[];
  /** Uids that this user namespace has; absent: all of them. */
  readonly uidMap?: readonly { readonly first: number; readonly count: number }[];
  readonly presets: readonly PresetFacts[];
  /** What bounds the limits of a cell. */
  readonly limits: LimitFacts;
}
