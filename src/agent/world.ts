import type { Readable, Writable } from "node:stream";

/** What the program runs with; a test brings its own. */
export interface World {
  readonly version: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Calls back when the person interrupts, and when the program is to end. */
  readonly onSignal: (heard: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void) => void;
}
