import { WorkcellError } from "../errors/index.ts";
import type { Command, Flag, FlagValues } from "./command.ts";

const everywhere: readonly Flag[] = [
  { name: "help", short: "h", help: "show this help" },
  { name: "version", help: "show Workcell's version" },
];

/** All flags of a command, those that every command has included. */
export function flagsOf(command: Command): readonly Flag[] {
  return [...command.flags, ...everywhere];
}

function usageError(command: Command, what: string): WorkcellError {
  return new WorkcellError("WC_USAGE", {
    message: `Cannot read the command line: ${what}`,
    remedy: `See: workcell ${command.name} --help`,
  });
}

interface Parsed {
  readonly flags: FlagValues;
  readonly words: readonly string[];
}

function collect(values: ReadonlyMap<string, readonly string[]>): FlagValues {
  return {
    has: (name) => values.has(name),
    text: (name) => values.get(name)?.at(-1),
    all: (name) => values.get(name) ?? [],
  };
}

/** Splits `--name=value` and `-xVALUE` into the flag and the value that is joined to it. */
function lookUp(command: Command, word: string): { flag: Flag; joined: string | undefined } {
  const flags = flagsOf(command);
  const [spelled = word, ...rest] = word.startsWith("--") ? word.split("=") : [word.slice(0, 2)];
  const flag = flags.find((f) => (word.startsWith("--") ? `--${f.name}` : `-${f.short}`) === spelled);
  if (flag === undefined) throw usageError(command, `"${spelled}" is not a flag of workcell ${command.name}`);
  if (word.startsWith("--")) return { flag, joined: rest.length > 0 ? rest.join("=") : undefined };
  return { flag, joined: word.length > 2 ? word.slice(2) : undefined };
}

/**
 * Reads a command's words into flags and arguments. Flags may stand among the words, except where a command
 * follows; `--` ends them.
 */
export function parseFlags(command: Command, argv: readonly string[]): Parsed {
  const values = new Map<string, string[]>();
  const words: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") return { flags: collect(values), words: [...words, ...rest] };
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      if (command.commandFollows && words.length > (command.wordsBefore ?? 0))
        return { flags: collect(values), words: [...words, ...rest] };
      continue;
    }
    const { flag, joined } = lookUp(command, word);
    if (flag.value === undefined) {
      if (joined !== undefined)
        throw usageError(command, `"--${flag.name}" takes no value, and "${word}" gives one`);
      values.set(flag.name, []);
      continue;
    }
    const value = joined ?? rest.shift();
    if (value === undefined) throw usageError(command, `"${word}" needs a value (${flag.value})`);
    if (values.has(flag.name) && !flag.repeat) throw usageError(command, `"--${flag.name}" is given twice`);
    values.set(flag.name, [...(values.get(flag.name) ?? []), value]);
  }
  return { flags: collect(values), words };
}
