import type {
  MountRequest,
  PathRule,
  PresetName,
  ProfileName,
  RouteSetting,
  SettingsDifference,
  Sourced,
  TierName,
  TunnelName,
  WaivableName,
} from "../model/index.ts";

export interface UidRange {
  readonly first: number;
  readonly last: number;
}

export interface Variable {
  readonly name: string;
  /** Absent: passed through from Workcell's own environment. */
  readonly value?: string;
}

/** What one source says of limits. */
export interface LimitLayer {
  readonly cpus?: Sourced<number>;
  readonly memoryBytes?: Sourced<number>;
  readonly pids?: Sourced<number>;
  readonly diskBytes?: Sourced<number>;
  readonly outputBytes?: Sourced<number>;
  readonly idleMs?: Sourced<number>;
  readonly waive?: readonly Sourced<WaivableName>[];
}

/** What one source says. Checked value by value; what it does not mention is absent or empty. */
export interface Layer extends LimitLayer {
  readonly profile?: Sourced<ProfileName>;
  readonly tunnel?: Sourced<TunnelName>;
  readonly tier?: Sourced<TierName>;
  readonly workdir?: Sourced<string>;
  readonly timeoutMs?: Sourced<number>;
  readonly session?: Sourced<string>;
  readonly uidRange?: Sourced<UidRange>;
  readonly allowHosts?: readonly Sourced<string>[];
  readonly denyHosts?: readonly Sourced<string>[];
  readonly presets?: readonly Sourced<PresetName>[];
  readonly mounts?: readonly Sourced<MountRequest>[];
  readonly environment?: readonly Sourced<Variable>[];
  readonly allowPaths?: readonly Sourced<string>[];
  readonly pathRules?: readonly Sourced<PathRule>[];
  readonly refuseUnixSockets?: Sourced<true>;
  readonly hiddenVariables?: readonly Sourced<string>[];
  readonly differences?: readonly Sourced<SettingsDifference>[];
  readonly routes?: readonly Sourced<RouteSetting>[];
}

/** What the person gave on the command line, unchecked. */
export interface SettingsFlags {
  readonly profile?: string;
  readonly tunnel?: string;
  readonly tier?: string;
  readonly settings?: string;
  readonly workdir?: string;
  readonly timeout?: string;
  readonly session?: string;
  readonly uidRange?: string;
  readonly cpus?: string;
  readonly memory?: string;
  readonly pids?: string;
  readonly disk?: string;
  readonly output?: string;
  readonly idle?: string;
  readonly waive?: readonly string[];
  readonly allowPaths?: readonly string[];
  readonly allowHosts: readonly string[];
  readonly denyHosts: readonly string[];
  /** Comma lists. */
  readonly presets: readonly string[];
  readonly mounts: readonly string[];
  readonly environment: readonly string[];
}
