import type { LimitReached } from "./limits.ts";
import type { Weaker } from "./plan.ts";

/** Something that a layer refused. Recorded and explained, never an exception. */
export interface Denial {
  readonly layer: "gate" | "filter" | "landlock" | "files" | "limits";
  readonly rule: string;
  readonly origin: string;
  /** What was attempted, e.g. `connect collect.example:80`. */
  readonly what: string;
  readonly remedy: string;
}

/** How the command ended. */
export type Ending =
  | { readonly status: "exited"; readonly exitCode: number; readonly signal: null }
  | { readonly status: "signalled"; readonly exitCode: number; readonly signal: NodeJS.Signals }
  | {
      readonly status: "timed-out";
      readonly exitCode: 124;
      readonly signal: null;
      /** Set when it was idle for so long, in ms; absent: the wall time was up. */
      readonly idleMs?: number;
    }
  | { readonly status: "cancelled"; readonly exitCode: 130; readonly signal: null }
  | {
      readonly status: "out-of-memory" | "output-limit" | "disk-full";
      readonly exitCode: 137;
      readonly signal: null;
      readonly limit: LimitReached;
    }
  | { readonly status: "forwarder-lost"; readonly exitCode: 137; readonly signal: null }
  | {
      readonly status: "never-started";
      readonly exitCode: 125 | 126 | 127;
      readonly signal: null;
      readonly reason: string;
    };

export interface Resources {
  /** CPU time of the command and everything it started and waited for, in ms. Null: not measured. */
  readonly cpuMs: number | null;
  /** Null: not measured. */
  readonly maxRssBytes: number | null;
}

/** What a run leaves: written as outcome.json and by `--outcome F`. */
export type Outcome = Ending & {
  readonly schema: "workcell.outcome/1";
  readonly durationMs: number;
  readonly resources: Resources;
  readonly denials: readonly Denial[];
  readonly weaker: readonly Weaker[];
  readonly session: string;
  readonly cell: string;
};
