import type { Route } from "./route.ts";

/** Where a value came from, in words a person can act on: `profile cowork, preset npm`, `flag --allow-host`. */
export type Origin = string;

/** A value together with where it came from. */
export interface Sourced<T> {
  readonly value: T;
  readonly origin: Origin;
}

/** A parsed host pattern. `text` is the canonical spelling; hosts are lower case, without a trailing dot. */
export type HostPattern =
  | { readonly kind: "name"; readonly host: string; readonly port: number | undefined; readonly text: string }
  | {
      readonly kind: "suffix";
      readonly suffix: string;
      readonly port: number | undefined;
      readonly text: string;
    }
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number | undefined;
      readonly text: string;
    }
  /** Only in rules that deny: every host, and all addresses that share their first `bits` bits. */
  | { readonly kind: "any"; readonly port: number | undefined; readonly text: string }
  | {
      readonly kind: "block";
      readonly bytes: readonly number[];
      readonly bits: number;
      readonly port: undefined;
      readonly text: string;
    };

/** One rule of the gate. */
export interface HostRule {
  readonly effect: "allow" | "deny";
  readonly pattern: HostPattern;
  readonly origin: Origin;
  /** Upper-case methods the rule is limited to, where the gate can see the method; absent: any. */
  readonly methods?: readonly string[];
  /** Ends of the request path, without query, that the rule is limited to where the gate can see it; absent: any. */
  readonly paths?: readonly string[];
  /** True when the person's own tools are configured for this very host, so that it may resolve to a private address. */
  readonly named: boolean;
}

export interface NetworkPolicy {
  readonly rules: readonly HostRule[];
  /** Names of the cell's that lead to an upstream; absent: none. */
  readonly routes?: readonly Route[];
}

/** A connected folder as policy sees it. */
export interface FolderRule {
  /** Absolute host path, symlinks resolved. */
  readonly source: string;
  readonly name: string;
  readonly mode: MountMode;
  readonly origin: Origin;
}

/** review, auto: the changes go to a layer of the session's; in `auto` Workcell applies them when the command ends. */
export type MountMode = "ro" | "review" | "auto" | "rw";

export interface Policy {
  readonly network: NetworkPolicy;
  readonly folders: readonly FolderRule[];
}

/** What is asked of the gate's policy: one connection or one request. */
export interface HostQuestion {
  /** Lower case, no trailing dot; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Known only for absolute-form HTTP requests. */
  readonly method?: string;
  /** Path without query; known with the method. */
  readonly path?: string;
}

/** The answer to "may X?". The same shape for hosts and paths. */
export interface Answer {
  readonly decision: "allow" | "deny";
  readonly layer: "gate" | "files";
  /** The deciding rule as written, or `no rule` with what was compared. */
  readonly rule: string;
  readonly origin: Origin;
  /** One imperative sentence for a refusal; absent when allowed. */
  readonly remedy?: string;
}
