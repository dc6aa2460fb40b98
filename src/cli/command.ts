import type { Readable, Writable } from "node:stream";

/** The headings of a long list of flags. */
export type FlagGroup =
  | "Everyday"
  | "Agent"
  | "Folders"
  | "Network"
  | "Limits"
  | "Session and settings"
  | "Output"
  | "Unusual";

/** A flag as data: parsing, `--help` and docs all come from it. */
export interface Flag {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter without a dash. */
  readonly short?: string;
  /** Placeholder of the value; absent: the flag takes none. */
  readonly value?: string;
  /** May be given more than once. */
  readonly repeat?: boolean;
  readonly help: string;
  /** Where it stands in a long list; absent: at the end. */
  readonly group?: FlagGroup;
}

/** What the person gave, by flag. */
export interface FlagValues {
  has(name: string): boolean;
  text(name: string): string | undefined;
  all(name: string): readonly string[];
}

/** What a command may touch of the world; tests pass their own. */
export interface CommandContext {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Absent: the process's own. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  /** Where Workcell is installed: the folder with `native/cellhost`. */
  readonly installation: string;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What stands after `workcell NAME `. */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** What a newcomer must know before the flags, a paragraph each. */
  readonly notes?: readonly string[];
  /** The words that may stand first, and what each does. */
  readonly parts?: readonly { readonly name: string; readonly help: string }[];
  /** A line that can be pasted. */
  readonly example: string;
  /** The first word that is no flag ends the flags: `run` and its like. */
  readonly commandFollows?: boolean;
  /** So many words stand before that command; absent: none. */
  readonly wordsBefore?: number;
  /** Resolves to the exit code. */
  run(flags: FlagValues, words: readonly string[], context: CommandContext): Promise<number>;
}
