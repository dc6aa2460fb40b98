import type { Readable, Writable } from "node:stream";
import type { CommandStdio } from "../launch/index.ts";
import type {
  AuditEvent,
  AuditLine,
  CommandKit,
  CredentialReader,
  Denial,
  HostFacts,
  Origin,
  Outcome,
  Plan,
  RouteSetting,
  Settings,
} from "../model/index.ts";
import type { SettingsFlags } from "../settings/index.ts";

/** A route that the caller sets, beside those of the settings; one of that name in the settings stands instead. */
export interface RunRoute {
  readonly setting: RouteSetting;
  readonly origin: Origin;
  /** Who gives the credential, instead of `setting.credential.from`. */
  readonly credential?: CredentialReader;
}

/** What is asked for: a command in a cell. */
export interface RunRequest {
  readonly flags: SettingsFlags;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  /** Where Workcell is installed: the folder with `native/cellhost`. */
  readonly installation: string;
  readonly command: readonly string[];
  readonly stdio: CommandStdio;
  /** Give the command a terminal of its own, joined to ours; needs stdin and stdout to be one. */
  readonly terminal?: boolean;
  /** Files and variables that the command brings; absent: none. */
  readonly kit?: CommandKit;
  /** Names of the cell's that lead to an upstream; absent: those of the settings alone. */
  readonly routes?: readonly RunRoute[];
  /** Cancels the command. */
  readonly signal?: AbortSignal;
  /** Time in which the cell is to be ready, in ms; absent: 60 s. */
  readonly startLimitMs?: number;
  /** What is asked for can be done, as far as is known before anything is started or written. */
  onDecided?(settings: Settings): void;
  /** The cell is being built, and the command waits: there is time. */
  onLaunched?(settings: Settings): void;
  onNotice?(line: string): void;
  onEvent?(event: AuditEvent): void;
  onDenial?(denial: Denial): void;
  /** Lines as they were written to the audit log. */
  onAudit?(lines: readonly AuditLine[]): void;
}

/** A cell whose command runs. */
export interface RunningCell {
  readonly plan: Plan;
  readonly facts: HostFacts;
  /** PID 1 of the cell as the host numbers it. */
  readonly hostPid: number;
  /** The command's process, likewise. */
  readonly commandPid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Sends a signal to the command; false when it has ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** Resolves when nothing of the cell is alive and its records are written. */
  readonly outcome: Promise<Outcome>;
}
