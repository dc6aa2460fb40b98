import type { AuditEvent, Denial, Hold, LimitReached, Outcome } from "../model/index.ts";

/** Something that was looked at, or the reason why it could not be. */
export type Seen<T> = { readonly seen: T } | { readonly unseen: string };

/** One attempt: whether it went through, and what came back. */
export interface Attempt {
  readonly ok: boolean;
  readonly detail: string;
}

/** A process as its own namespace shows it. */
export interface CellProcess {
  readonly pid: number;
  readonly comm: string;
  readonly command: readonly string[];
  /** Terminal session; 0 when its leader lives outside the namespace. */
  readonly session: number;
  /** Device number of the controlling terminal; 0: none. */
  readonly terminal: number;
}

/** A file system and its size. */
export interface Disk {
  readonly bytes: number;
  readonly type: string;
}

/** What the observer tried from within. */
export interface InsideAttempts {
  readonly http: Attempt;
  readonly https: Attempt;
  readonly socks: Attempt;
  readonly ftp: Attempt;
  readonly grpc: Attempt;
  /** A request to a server of the host's that no rule allows. */
  readonly blocked: Attempt;
  /** Connects without the proxy: to the host's loopback, and to an address of the host's where it has one. */
  readonly direct: Attempt;
  readonly directToAddress: Attempt | null;
  readonly terminal: Attempt;
  readonly setuidBit: Attempt;
  /** Control of the one before: the same call without the bit. */
  readonly plainMode: Attempt;
  /** A change that needs a capability. */
  readonly privileged: Attempt;
}

/** What the observer saw from within a fresh cell, as its command. */
export interface InsideView {
  readonly pid: number;
  readonly processes: readonly CellProcess[];
  readonly capabilities: Readonly<Record<"CapInh" | "CapPrm" | "CapEff" | "CapBnd" | "CapAmb", string>>;
  readonly noNewPrivs: string;
  readonly seccomp: string;
  readonly filters: number;
  readonly hostname: string;
  readonly distribution: string;
  readonly kernel: string;
  readonly arch: string;
  readonly cpu: { readonly count: number; readonly model: string; readonly features: readonly string[] };
  readonly disks: { readonly root: Disk; readonly system: Disk; readonly home: Disk };
  readonly user: { readonly name: string; readonly uid: number; readonly home: string; readonly cwd: string };
  readonly proxies: Readonly<Record<string, string>>;
  readonly interfaces: readonly string[];
  readonly listening: readonly number[];
  /** Sockets in /tmp. */
  readonly sockets: readonly string[];
  readonly rootFolders: readonly string[];
  readonly sessions: readonly string[];
  readonly attempts: InsideAttempts;
}

/** What the host saw of the same cell meanwhile. */
export interface OutsideView {
  readonly pid: number;
  readonly program: string;
  readonly arguments: readonly string[];
  /** Namespaces of PID 1 that are not Workcell's own, and those that are. */
  readonly ownNamespaces: readonly string[];
  readonly sharedNamespaces: readonly string[];
  /** The observer: its host PID, and the number it has in its own namespace. */
  readonly command: { readonly pid: number; readonly innerPid: number };
  /** Host uid of the observer. */
  readonly uid: number;
  readonly workcell: { readonly pid: number; readonly uid: number; readonly filters: number };
  readonly hostname: string;
  /** Host paths of the gate's sockets that exist as sockets. */
  readonly sockets: readonly string[];
  /** Ports of the cell whose listening socket is a descriptor of Workcell's own process. */
  readonly heldPorts: readonly number[];
  /** Requests that arrived at each of the host's servers. */
  readonly arrivals: Readonly<Record<ServerName, number>>;
  readonly decisions: readonly AuditEvent[];
  /** What Workcell was told to have been refused in the cell. */
  readonly denials: readonly Denial[];
  /** The same attempts, made on the host. */
  readonly controls: {
    readonly direct: Attempt;
    readonly directToAddress: Attempt | null;
    readonly blocked: Attempt;
    readonly setuidBit: Attempt;
  };
}

export type ServerName = "http" | "https" | "socks" | "ftp" | "grpc" | "blocked";

/** What became of a cell whose Workcell was killed by SIGKILL. */
export interface ParentDeath {
  readonly processesBefore: number;
  readonly processesAfter: number;
  readonly mountsLeft: number;
  /** From the kill until nothing was alive, in ms. */
  readonly afterMs: number;
}

/** One way to reach somebody else's things, tried by the neighbour and by the owner. */
export interface Reach {
  readonly what: string;
  /** By a second cell, against the first one or the host. */
  readonly across: Attempt;
  /** The same by the owner. */
  readonly control: Attempt;
}

export interface Neighbours {
  readonly sessions: readonly string[];
  readonly towardsCell: readonly Reach[];
  readonly towardsHost: readonly Reach[];
}

/** What became of a cell whose command took more and more of something. */
export interface Exhaustion {
  /** Bytes that it had when it was refused more, ended, or had enough, as it said itself. */
  readonly reachedBytes: number;
  /** Of its memory, what was in swap. */
  readonly swappedBytes: number;
  /** What it was told in the end, e.g. `ENOSPC`; empty when it was refused nothing. */
  readonly error: string;
  /** What held the limit, as the cell's plan says. */
  readonly held: Hold;
  /** How its cell ended; `exited` too when it had enough. */
  readonly ended: Outcome["status"];
  /** Cells it took until one was ended: what others do to a disk meanwhile can hide one from a watch. */
  readonly attempts: number;
  /** The limit that ended it. */
  readonly limit?: LimitReached;
}

/** A limit, tried by using up what it limits. */
export interface UsedUp {
  /** The profile's own limit, as Workcell says: what is not tried itself is only said. */
  readonly saidBytes: number;
  /** A cell with a small limit, held in the same way. */
  readonly small: Exhaustion & { readonly limitBytes: number };
  /** A cell with the profile's own limit. */
  readonly whole: Seen<Exhaustion>;
  /** Swap that the host has. */
  readonly hostSwapBytes: number;
}

/** A call that an agent made of one of its tools. */
export interface AgentCall {
  readonly name: string;
  readonly bySubAgent: boolean;
  readonly failed: boolean;
}

/** An agent at everyday work in a cell of its own, with a scripted model on the host. */
export interface AgentView {
  /** What a person calls it. */
  readonly title: string;
  /** As the host sees it: its name, its number in its own namespace and in ours. */
  readonly process: { readonly name: string; readonly innerPid: number; readonly pid: number };
  /** What arrived at the model. */
  readonly requests: readonly {
    readonly model: string;
    readonly tools: readonly string[];
    readonly task: string;
    readonly bySubAgent: boolean;
  }[];
  /** The gate's, while it worked. */
  readonly decisions: readonly AuditEvent[];
  /** What the agent said that answered it. */
  readonly answeredBy: readonly string[];
  readonly calls: readonly AgentCall[];
  /** Why its work did not end well; empty when it did. */
  readonly ending: string;
  readonly work: {
    readonly task: string;
    /** The person's folder was as before when the agent had ended. */
    readonly untouched: boolean;
    /** Files of that folder by name: as they were when the changes had been applied, and as the task would have them. */
    readonly found: Readonly<Record<string, string>>;
    readonly expected: Readonly<Record<string, string>>;
  };
}

/** Everything that a report is judged from. Nothing of it is read back from the plan. */
export interface Observations {
  readonly profile: string;
  readonly tier: string;
  readonly tunnel: string;
  readonly inside: Seen<InsideView>;
  readonly outside: Seen<OutsideView>;
  readonly parentDeath: Seen<ParentDeath>;
  readonly neighbours: Seen<Neighbours>;
  readonly memory: Seen<UsedUp>;
  readonly disk: Seen<UsedUp>;
  readonly agent: Seen<AgentView>;
}
