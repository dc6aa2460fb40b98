/** What happened, before it is chained. */
export interface AuditEvent {
  readonly session: string;
  readonly cell: string;
  readonly kind: "connect" | "request" | "call" | "trust";
  readonly decision: "allow" | "deny";
  readonly layer: string;
  readonly rule: string;
  readonly origin: string;
  /** `host:port`, or `GET http://host/path` for a request the gate can see. */
  readonly subject: string;
  /** The address that was dialled; absent when nothing was. */
  readonly address?: string;
  /** Requests by a route: where it led, `host` or `host:port`, and the status of the answer. */
  readonly upstream?: string;
  readonly status?: number;
  /** Bytes from and to the cell; connections only. */
  readonly bytesUp?: number;
  readonly bytesDown?: number;
  readonly durationMs?: number;
  /** Why an allowed connection failed, e.g. `ECONNREFUSED`. */
  readonly failure?: string;
  /** How many more of the very same refusals there were since the last line that says it; they have no lines of their own. */
  readonly repeats?: number;
}

/** One line of audit.jsonl. `hash` is SHA-256 over the line without `hash`, `prev` is the hash of the line before. */
export interface AuditLine extends AuditEvent {
  readonly seq: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly prev: string;
  readonly hash: string;
}
