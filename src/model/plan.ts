import type { Origin } from "./policy.ts";
import type { ProfileName, TierName, TunnelName } from "./settings.ts";

/** One mount of the cell, in the order in which it is made. */
export interface PlannedMount {
  readonly kind: "ro-bind" | "bind" | "tmpfs" | "proc" | "dev" | "dir" | "symlink" | "ro-data" | "remount-ro";
  readonly target: string;
  /** Host path, symlink text, or the name of the descriptor that holds the data. */
  readonly source?: string;
  /** Bytes; tmpfs only. */
  readonly size?: number;
  /** Octal permissions; data, folders and tmpfs only. */
  readonly perms?: string;
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
  readonly name: string;
  readonly direction: "in" | "out";
  /** What is to be read from it; absent for pipes that Workcell speaks on. */
  readonly content?: Uint8Array | string;
}

/** A seccomp program: classic BPF, little endian, 8 bytes an instruction. */
export interface Filter {
  readonly name: string;
  readonly program: Uint8Array;
  /** One line a rule: call, condition, answer, reason. */
  readonly text: readonly string[];
}

/** A folder that is seen under another owner, by cellhost, before bwrap starts. Root only. */
export interface HostMount {
  readonly source: string;
  /** Absolute path in the scratch file system, which bwrap binds from. */
  readonly scratch: string;
  /** The owner on disk; absent: mounted as it is. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly readOnly: boolean;
}

/** How root stops being root before the sandbox is built. Absent when an ordinary user starts the cell. */
export interface RootPlan {
  readonly cellhost: string;
  readonly uid: number;
  readonly gid: number;
  /** Mount point of the scratch file system, in a mount namespace of the cell's own. */
  readonly scratch: string;
  readonly mounts: readonly HostMount[];
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
  readonly hostname: string;
  readonly identity: {
    readonly uid: number;
    readonly gid: number;
    readonly user: string;
    readonly home: string;
  };
  readonly workdir: string;
  readonly command: readonly string[];
  readonly mounts: readonly PlannedMount[];
  readonly environment: readonly PlannedVariable[];
  readonly descriptors: readonly PlannedDescriptor[];
  readonly filters: readonly Filter[];
  readonly root?: RootPlan;
  /** The whole command line, program first: cellhost (root), bwrap, bash, the command. */
  readonly argv: readonly string[];
  /** UNIX sockets of the gate: host path that Workcell listens on. */
  readonly sockets: { readonly http: string; readonly socks: string };
  readonly timeoutMs?: number;
  readonly weaker: readonly Weaker[];
}
