import type { WaivableName } from "./limits.ts";
import type { MountMode, Sourced } from "./policy.ts";
import type { RouteSetting } from "./route.ts";

export type ProfileName = "cowork" | "standard";
export type TunnelName = "socat" | "direct";
export type TierName = "process" | "vm";
export type PresetName = "npm" | "pip" | "apt" | "git";

export const PRESET_NAMES: readonly PresetName[] = ["npm", "pip", "apt", "git"];

/** A folder as asked for: `DIR[:NAME][:MODE]`, parsed but not yet resolved on disk; without a mode it is `review`. */
export interface MountRequest {
  /** Absolute or relative to the working directory; `~` is not expanded by Workcell. */
  readonly source: string;
  /** Name under `$HOME/mnt`; defaults to the folder's base name. */
  readonly name?: string;
  readonly mode: MountMode;
  /** Absolute; the folder's real path must lie within it, or it may not be connected. Set for what a folder's own file asks. */
  readonly within?: string;
  /** True: nobody named it; it gives way to the same folder where somebody does. */
  readonly implied?: true;
}

/**
 * What may not be read, or not be written, of what a cell sees. hide: neither; show: may be read though it lies in what
 * is hidden; freeze: not written.
 */
export type PathRule =
  | {
      readonly effect: "hide" | "show" | "freeze";
      /** Absolute; `pattern`: with `*`, `**`, `?` and `[...]`. */
      readonly path: string;
      readonly pattern?: true;
    }
  | {
      readonly effect: "freeze";
      /** Absolute folder. */
      readonly path: string;
      /** What is called so in it, down to `depth` folders below: `.bashrc`, `.git/hooks`. */
      readonly names: readonly string[];
      readonly depth: number;
    };

/** Where a file of another program's settings means something else here. Never weaker: that would be refused. */
export interface SettingsDifference {
  readonly key: string;
  /** What that program does. */
  readonly theirs: string;
  readonly ours: string;
  readonly is: "stricter" | "another way" | "without effect";
}

/** Every setting a cell is started with, each with its origin. Lists keep the order in which they were given. */
export interface Settings {
  readonly profile: Sourced<ProfileName>;
  readonly tunnel: Sourced<TunnelName>;
  readonly tier: Sourced<TierName>;
  readonly allowHosts: readonly Sourced<string>[];
  readonly denyHosts: readonly Sourced<string>[];
  readonly presets: readonly Sourced<PresetName>[];
  readonly mounts: readonly Sourced<MountRequest>[];
  /** Working directory inside the cell. */
  readonly workdir?: Sourced<string>;
  /** Variables set in the cell; one without a value is passed through from Workcell's own environment. */
  readonly environment: readonly Sourced<{ readonly name: string; readonly value?: string }>[];
  /** Wall time after which the command is ended, in ms; absent: none. */
  readonly timeoutMs?: Sourced<number>;
  /** CPUs' worth of time; absent: what the profile says, as for the four below. */
  readonly cpus?: Sourced<number>;
  readonly memoryBytes?: Sourced<number>;
  /** Processes and threads together. */
  readonly pids?: Sourced<number>;
  readonly diskBytes?: Sourced<number>;
  /** Bytes of stdout and stderr together; absent: no limit. */
  readonly outputBytes?: Sourced<number>;
  /** Time without output or input after which the command is ended, in ms; absent: none. */
  readonly idleMs?: Sourced<number>;
  /** Protected paths that cells may write to all the same, absolute. */
  readonly allowPaths?: readonly Sourced<string>[];
  /** Limits and layers that the person does without. */
  readonly waive?: readonly Sourced<WaivableName>[];
  /** First and last of the host uids that root's sessions run as. */
  readonly uidRange: Sourced<{ readonly first: number; readonly last: number }>;
  /** A session to run in, instead of a fresh one. */
  readonly session?: Sourced<string>;
  /** Exceptions to what the folders and the system would let a cell do. */
  readonly pathRules?: readonly Sourced<PathRule>[];
  /** The command can make no UNIX socket: none of the host's that lies in a connected folder can be spoken to. */
  readonly refuseUnixSockets?: Sourced<true>;
  /** Variables of the host that never go in. */
  readonly hiddenVariables?: readonly Sourced<string>[];
  /** Names of the cell's that the gate maps to an upstream, with a credential of the host's. */
  readonly routes?: readonly Sourced<RouteSetting>[];
  /** From settings files of other programs. */
  readonly differences?: readonly Sourced<SettingsDifference>[];
}
