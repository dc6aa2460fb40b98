import type { HostFacts } from "./host-facts.ts";
import type { PlannedLimits } from "./limits.ts";
import type { Origin } from "./policy.ts";
import type { ProfileName, TierName, TunnelName } from "./settings.ts";

/** The session a plan is made for, as session/ knows it. */
export interface SessionFacts {
  readonly name: string;
  /** Absolute path of the session's records on the host. */
  readonly folder: string;
  /** Host uid the session runs as; absent when an ordinary user starts it. */
  readonly uid?: number;
  /** True: its home and tmp lie on a disk of the session's own. */
  readonly ownDisk?: boolean;
  readonly cell: string;
  /** Its layers for the folders of this cell; absent when there are none, or for a session on paper. */
  readonly layers?: readonly SessionLayer[];
  /** What this cell sees read-only in folders that it writes to live; absent: nothing. */
  readonly covers?: readonly SessionCover[];
}

/** Something that stands in a protected place of a folder that is connected `rw`. */
export interface SessionCover {
  /** Absolute path of the folder on the host, symlinks resolved. */
  readonly source: string;
  /** Path below it. */
  readonly path: string;
  readonly identity: { readonly device: number; readonly inode: number };
}

/** Where a session keeps what its cells change in one folder. */
export interface SessionLayer {
  /** Absolute path of the folder on the host, symlinks resolved. */
  readonly source: string;
  readonly number: number;
  /** Exactly, in decimal digits: which folder it was when the layer was opened. */
  readonly device: string;
  readonly inode: string;
  /** Absolute path of the copy that its cells work on; absent: folder and layer are merged. */
  readonly copy?: string;
}

/** What a command brings besides its words: files of the host's that its cell sees read-only, and variables. */
export interface CommandKit {
  /** Whose it is, for the person: `the built-in agent`. */
  readonly origin: Origin;
  readonly files: readonly KitFile[];
  readonly environment: Readonly<Record<string, string>>;
  /** What the command is not to find in connected folders; absent: it finds all that is there. */
  readonly config?: KitConfig;
}

/** A command's own configuration in connected folders: it comes with them, so it may be anybody's. */
export interface KitConfig {
  /** Names by which it is found where the command works, and in the folders above. */
  readonly names: readonly string[];
  /** What is shown instead, on the host: nothing, as a folder and as a file. */
  readonly nothing: Readonly<Record<"folder" | "file", string>>;
  /** What the person agreed to, as it was then: shown in the place of what stands there now. */
  readonly agreed: readonly AgreedConfig[];
}

/** One name in one folder that was agreed to. */
export interface AgreedConfig {
  /** Absolute path on the host, symlinks resolved. */
  readonly path: string;
  /** Where a copy of it lies on the host. */
  readonly source: string;
}

/** A file or folder of the host's under the name by which the command knows it. */
export interface KitFile {
  /** Absolute, in the cell. */
  readonly path: string;
  /** Absolute on the host, symlinks resolved. */
  readonly source: string;
  /** True: a link in the cell that leads to `source` there, which is shown by itself. */
  readonly isLink?: true;
  readonly reason: string;
}

/** A small file that Workcell writes for the cell before it starts. */
export interface PlannedFile {
  /** Path below the cell's own folder on the host. */
  readonly path: string;
  readonly content: string;
}

/** One mount of the cell, in the order in which it is made. */
export interface PlannedMount {
  readonly kind: "ro-bind" | "bind" | "tmpfs" | "proc" | "dev" | "dir" | "symlink" | "remount-ro";
  readonly target: string;
  /** Host path or symlink text. */
  readonly source?: string;
  /** Bytes; tmpfs only. */
  readonly size?: number;
  /** Octal permissions; folders and tmpfs only. */
  readonly perms?: string;
  /** The owner on disk of a connected folder; root's cells see it under their own uid instead. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Which folder was decided on: what stands in the cell must be that one. */
  readonly identity?: { readonly device: number; readonly inode: number };
  /** Name of the merged folder that stands for `source` in the cell (see MergedFolder). */
  readonly merged?: string;
  /** Absolute path of the copy that is bound instead of a merged folder, where there can be none. */
  readonly copy?: string;
  /** True: it lies over a part of a connected folder, and there may be nothing to cover any more. */
  readonly cover?: true;
  readonly reason: string;
}

export interface PlannedVariable {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
}

/** A file descriptor that the sandbox inherits; the number is part of the plan. */
export interface PlannedDescriptor {
  readonly fd: number;
  readonly name: "channel" | "filter-1" | "filter-2" | "stderr";
  /** What is to be read from it; absent for the channel that Workcell speaks on and the command's stderr. */
  readonly content?: Uint8Array;
}

/** A seccomp program: classic BPF, little endian, 8 bytes an instruction. */
export interface Filter {
  readonly name: string;
  readonly program: Uint8Array;
}

/** The same as a person reads it: one line a rule, with call, condition, answer and reason. */
export interface FilterText {
  readonly name: string;
  readonly instructions: number;
  readonly lines: readonly string[];
}

/** What the native program inside does to the command's process before it becomes the command. */
export interface SealPlan {
  /** Paths that Landlock lets be read and executed, and those that it lets be changed. */
  readonly landlockRead: readonly string[];
  readonly landlockWrite: readonly string[];
  /** False: the start goes on where the kernel has no Landlock, and says so. */
  readonly landlockRequired: boolean;
  /** Resource limits by name: nofile, nproc, core. */
  readonly rlimits: Readonly<Record<string, number>>;
}

/** A folder that is seen under another owner, by cellhost, before bwrap starts. Root only. */
export interface HostMount {
  readonly source: string;
  /** Absolute path in the scratch file system, as bwrap finds it. */
  readonly scratch: string;
  /** The owner on disk; absent: mounted as it is. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly readOnly: boolean;
  /** The host's own: links on the way to it are followed. */
  readonly system?: true;
  /** Devices in it work; the host's own, as it is. */
  readonly devices?: true;
}

/** Mounts that cellhost gathers in one place, which bwrap binds as a whole. */
export interface Gathered {
  /** Place in the cell. */
  readonly target: string;
  /** Absolute path, as bwrap finds it. */
  readonly scratch: string;
  /** Places in the cell of the mounts that are in it. */
  readonly targets: readonly string[];
  readonly kind: "bind" | "ro-bind" | "dev-bind";
}

/** A folder and a layer of the session's as one: what the cell writes goes to the layer. Made by cellhost before bwrap starts. */
export interface MergedFolder {
  /** Below the scratch folder. */
  readonly name: string;
  /** The person's folder, and which one it must be. */
  readonly lower: string;
  readonly device: string;
  readonly inode: string;
  /** Folder with `upper`, `work` and `lock`. */
  readonly layer: string;
  readonly owner: { readonly uid: number; readonly gid: number };
}

/** A folder that cannot be merged here: the cell works on a copy, which becomes a layer when it is over. */
export interface CopiedFolder {
  /** The person's folder. */
  readonly lower: string;
  /** Absolute path of the copy. */
  readonly copy: string;
}

/** All merged folders of a cell. */
export interface LayersPlan {
  /** Folder of the session's layers, with a lock of its own. */
  readonly folder: string;
  /** Mount point of the scratch file system that they stand in, in a mount namespace of the cell's own. */
  readonly scratch: string;
  readonly merged: readonly MergedFolder[];
  /** Absent: none. */
  readonly copies?: readonly CopiedFolder[];
}

/** How root stops being root before the sandbox is built. Absent when an ordinary user starts the cell. */
export interface RootPlan {
  readonly uid: number;
  readonly gid: number;
  /** Mount point of the scratch file system, in a mount namespace of the cell's own. */
  readonly scratch: string;
  /** It becomes the root of that namespace, so that bwrap finds nothing else there. */
  readonly asRoot: boolean;
  readonly mounts: readonly HostMount[];
  readonly gathered: readonly Gathered[];
  readonly links: readonly { readonly text: string; readonly scratch: string }[];
  /** Folders in which bwrap makes mount points of its own. */
  readonly folders: readonly string[];
  /** Where terminals of the cell's own are mounted. */
  readonly terminals?: string;
}

/** Something held in a weaker way than asked for. */
export interface Weaker {
  readonly limit: string;
  readonly how: string;
}

/** Exactly how a cell is started. Pure data: printable, comparable, storable. */
export interface Plan {
  readonly schema: "workcell.plan/1";
  readonly session: string;
  readonly cell: string;
  readonly profile: ProfileName;
  readonly tier: TierName;
  readonly tunnel: TunnelName;
  readonly arch: HostFacts["arch"];
  readonly hostname: string;
  readonly identity: {
    readonly uid: number;
    readonly gid: number;
    readonly user: string;
    readonly home: string;
  };
  readonly workdir: string;
  /** True: the command has a terminal of its own, which the person's is joined to. */
  readonly terminal: boolean;
  readonly command: readonly string[];
  readonly mounts: readonly PlannedMount[];
  readonly environment: readonly PlannedVariable[];
  readonly files: readonly PlannedFile[];
  /** Folders made in the session's home before the start. */
  readonly homeFolders: readonly string[];
  readonly descriptors: readonly PlannedDescriptor[];
  readonly filters: readonly Filter[];
  /** Set: the second filter refuses UNIX sockets too. */
  readonly refusesUnixSockets?: true;
  readonly seal: SealPlan;
  /** Absolute path of the native program that supervises the cell. */
  readonly cellhost: string;
  /** Where it is asked for further commands, on the host; absent: a further command is a further cell. */
  readonly execSocket?: string;
  readonly root?: RootPlan;
  /** Absent: no folder is connected by `review` or `auto`. */
  readonly layers?: LayersPlan;
  /** The whole command line, program first: cellhost, bwrap, the tunnel, cellinit, the command. */
  readonly argv: readonly string[];
  /** Names of the gate's two UNIX sockets, in the folder that is the cell's /tmp. */
  readonly sockets: { readonly folder: string; readonly http: string; readonly socks: string };
  readonly timeoutMs?: number;
  /** Absent: no limit but the time. */
  readonly limits: PlannedLimits;
  readonly weaker: readonly Weaker[];
}
