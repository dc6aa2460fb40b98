/** What the programs of one preset answered. */
export interface PresetAnswer {
  readonly hosts: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The proxy the tool itself is configured for, without credentials. */
  readonly proxy?: string;
  /** Configuration files that were read and could not be known before. */
  readonly files: readonly string[];
  /** Why the tool could not be asked; such an answer is not kept. */
  readonly problem?: string;
}

/** One program's answer. */
export interface Asked {
  readonly ok: boolean;
  readonly stdout: string;
  /** For the person: which program, and how it ended. */
  readonly problem: string;
}

/** What a preset may use to ask its tool. */
export interface Asking {
  readonly home: string;
  /** The tool with every symlink resolved. */
  readonly realPath: string;
  /** Runs a found program, named by its first name, with the time limit and at `/`. */
  ask(program: string, args: readonly string[]): Promise<Asked>;
}

/** How one preset is asked. */
export interface Preset {
  /** Programs it needs, each with the names it goes by; the first decides whether the tool is there. */
  readonly programs: readonly (readonly [string, ...string[]])[];
  ask(asking: Asking): Promise<PresetAnswer>;
}

/** The answer of a tool that did not give one: it opens nothing. */
export function noAnswer(problem: string): PresetAnswer {
  return { hosts: [], environment: {}, files: [], problem };
}
