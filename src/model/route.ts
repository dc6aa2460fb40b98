import type { Origin } from "./policy.ts";

/** What stands in a cell where a credential is asked for; the gate knows it, and no upstream ever gets it. */
export const PLACEHOLDER = "workcell-placeholder";

/** The route by which an agent reaches its model. */
export const MODEL_ROUTE = "model.workcell";

/** The header fields that a credential can go in. */
export const CREDENTIAL_HEADERS = ["authorization", "x-api-key", "x-goog-api-key", "api-key"] as const;

export type CredentialHeader = (typeof CREDENTIAL_HEADERS)[number];

/** Where a credential's value comes from, on the host. */
export type CredentialSource =
  | { readonly environment: string }
  /** Absolute. */
  | { readonly file: string }
  | { readonly command: readonly string[]; readonly timeoutMs: number };

/** The field that a credential goes in. */
export interface CredentialField {
  readonly header: CredentialHeader;
  /** Stands before the value: `Bearer` in `authorization`. */
  readonly scheme?: "Bearer";
  /** Fields that go with it; one that the request has too gets the value beside its own. */
  readonly also?: Readonly<Record<string, string>>;
}

/** A route as asked for; `name` and `upstream` are not checked yet. */
export interface RouteSetting {
  /** `model.workcell`. */
  readonly name: string;
  /** `https://host[:port][/path]`, or the same with http. */
  readonly upstream: string;
  /** Absent: the upstream asks for none. `from` is absent where a caller reads the value by itself. */
  readonly credential?: CredentialField & { readonly from?: CredentialSource };
  /** `POST /v1`: a method and where its paths begin; absent: POST and GET below `/v1`. */
  readonly allow?: readonly string[];
}

/** Where a route leads, after its only parse. */
export interface RouteUpstream {
  readonly secure: boolean;
  readonly kind: "name" | "address";
  /** Lower case, no trailing dot; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** What stands before the request's own path; empty, or beginning with a slash and ending with none. */
  readonly path: string;
}

export interface RouteAllowance {
  readonly method: string;
  /** Where the request's path begins; ends with no slash. Empty: any. */
  readonly below: string;
}

/** A name of the cell's that the gate maps to an upstream. It never holds the credential's value, or where that is from. */
export interface Route {
  readonly name: string;
  readonly upstream: RouteUpstream;
  readonly credential?: CredentialField;
  readonly allow: readonly RouteAllowance[];
  readonly origin: Origin;
}

/** Gives a credential's value when it is needed; rejects with a WorkcellError that does not hold it. */
export interface CredentialReader {
  /** Looks, before anything starts, whether it can be had; gives the values that are known by then. Throws WorkcellError. */
  check?(): readonly string[];
  read(): Promise<string>;
  /** The upstream did not take it: it is to be read afresh. */
  refused?(): void;
}
