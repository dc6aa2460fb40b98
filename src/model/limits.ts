/** What a person can do without, by name: `--waive NAME`. */
export type WaivableName = "memory" | "swap" | "pids" | "cpus" | "disk" | "landlock";

export const WAIVABLE_NAMES: readonly WaivableName[] = ["memory", "swap", "pids", "cpus", "disk", "landlock"];

/** A limit that has ended a command. */
export type LimitName = "memory" | "disk" | "output";

/**
 * What holds a limit: the kernel's control group, a disk of the session's own, a resource limit of the kernel, the CPU
 * mask (which a program can widen), Workcell's own looking, the host itself (it has no more), or nothing.
 */
export type Hold = "cgroup" | "loop" | "rlimit" | "mask" | "watched" | "host" | "waived";

/** Where a controller lets the groups of cells be made. */
export interface CgroupParent {
  readonly version: 1 | 2;
  /** Absolute path of the group in which one for each cell is made. */
  readonly folder: string;
}

/** Which control groups this process can make. A controller that is absent cannot be used. */
export interface CgroupFacts {
  /** How the machine is set up; `delegated`: version 2, in a part that belongs to this user. */
  readonly kind: "v1" | "v2" | "hybrid" | "delegated" | "none";
  readonly memory?: CgroupParent;
  /** True: the kernel accounts for swap, so that it can be kept from a group. */
  readonly swap: boolean;
  readonly pids?: CgroupParent;
  readonly cpu?: CgroupParent;
  /** Where version 1 counts CPU time, when that is not where it is limited. */
  readonly cpuacct?: CgroupParent;
  /** Why a controller is absent, and what would help; for the person. */
  readonly missing?: string;
}

/** What of the machine bounds the limits of a cell. */
export interface LimitFacts {
  readonly uid: number;
  /** As uname says it. */
  readonly kernel: string;
  /** Numbers of the CPUs that Workcell itself may use, ascending. */
  readonly cpuIds: readonly number[];
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly cgroups: CgroupFacts;
  /** The kernel's table of mounts, /proc/self/mountinfo. */
  readonly mountTable: string;
  /** The host's /proc/meminfo at this moment. */
  readonly meminfo: string;
  /** The host's /proc/cpuinfo; absent: a cell gets all CPUs, and nothing has to be left out of it. */
  readonly cpuinfo?: string;
}

/** The limits of a cell, and what holds each. */
export interface PlannedLimits {
  readonly memoryBytes: number;
  readonly swapBytes: 0;
  /** Processes and threads together. */
  readonly pids: number;
  readonly openFiles: number;
  /** CPUs' worth of time; may be a fraction. */
  readonly cpus: number;
  /** Numbers of the CPUs in the cell's mask; as many as `cpus`, rounded up. */
  readonly cpuIds: readonly number[];
  /** Home, upper layers, undo, `/tmp` and quarantine together. */
  readonly diskBytes: number;
  /** Bytes of stdout and stderr together; absent: no limit. */
  readonly outputBytes?: number;
  /** Time without output or input, in ms; absent: no limit. */
  readonly idleMs?: number;
  readonly held: {
    readonly memory: Hold;
    readonly swap: Hold;
    readonly pids: Hold;
    readonly cpus: Hold;
    readonly disk: Hold;
  };
}

/** The limit that ended a command. */
export interface LimitReached {
  readonly name: LimitName;
  readonly limitBytes: number;
  /** What was in use when it ended; at least the limit, or close to it when the kernel refused the last step. */
  readonly usedBytes: number;
  /** The flag that raises it, e.g. `--memory`. */
  readonly flag: string;
}
