/** Where the host's test servers listen; all on its loopback, except `address`. */
export interface Targets {
  /** Every server answers with it, so that an answer is known to be the server's own. */
  readonly token: string;
  readonly ports: {
    readonly http: number;
    readonly https: number;
    readonly socks: number;
    readonly ftp: number;
    readonly grpc: number;
    readonly blocked: number;
  };
  /** An address of the host's that is not loopback, when it has one. */
  readonly address: { readonly host: string; readonly port: number } | null;
}

/** Somebody's things that others try to reach. */
export interface Belongings {
  readonly mark: string;
  readonly pids: readonly number[];
  readonly abstract: string;
  readonly socket: string;
  readonly port: number;
  readonly files: readonly string[];
}

/** Something to be taken more and more of: memory, disk by writing, disk by reserving blocks. */
export interface Fill {
  readonly what: "memory" | "disk" | "allocation";
  /** Bytes of one step; the next smaller ones are taken when a larger one does not go any more. */
  readonly stepsBytes: readonly number[];
  readonly mostBytes: number;
  /** What was taken in full stays taken for so long, in ms: who watches a limit looks every so often. */
  readonly heldMs: number;
}

/** What the observer is told to do; it is written in front of its program. */
export type Task =
  | { readonly kind: "look"; readonly targets: Targets }
  /** Makes things that can be reached, reaches them itself as a control, and stays until it is ended. */
  | { readonly kind: "stay"; readonly mark: string }
  | { readonly kind: "reach"; readonly belongings: readonly Belongings[] }
  | ({ readonly kind: "fill" } & Fill);
