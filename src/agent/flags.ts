import { nearest } from "../lib/nearest.ts";
import { type PermissionMode, permissionModes } from "./loop/permissions.ts";

type Kind = "switch" | "value" | "list" | "each";

/** What the command line may say; Claude Code's own words, so that a host that starts it need not know the difference. */
const flags: Readonly<Record<string, Kind>> = {
  "--help": "switch",
  "--version": "switch",
  "--print": "switch",
  "--json": "switch",
  "--stream-json": "switch",
  "--acp": "switch",
  "--output-format": "value",
  "--input-format": "value",
  "--verbose": "switch",
  "--include-partial-messages": "switch",
  "--replay-user-messages": "switch",
  "--permission-prompt-tool": "value",
  "--permission-mode": "value",
  "--dangerously-skip-permissions": "switch",
  "--allow-dangerously-skip-permissions": "switch",
  "--allowed-tools": "list",
  "--disallowed-tools": "list",
  "--tools": "list",
  "--model": "value",
  "--fallback-model": "value",
  "--max-turns": "value",
  "--max-thinking-tokens": "value",
  "--max-budget-usd": "value",
  "--context-tokens": "value",
  "--resume": "value",
  "--continue": "switch",
  "--session-id": "value",
  "--fork-session": "switch",
  "--no-session-persistence": "switch",
  "--system-prompt": "value",
  "--append-system-prompt": "value",
  "--setting-sources": "value",
  "--add-dir": "list",
  "--plugin-dir": "each",
  ...{ "--settings": "value", "--mcp-config": "list", "--strict-mcp-config": "switch", "--effort": "value" },
  ...{ "--debug": "switch", "--debug-to-stderr": "switch", "--betas": "list", "--thinking": "value" },
  ...{ "--thinking-display": "value", "--task-budget": "value", "--debug-file": "value" },
  ...{ "--include-hook-events": "switch" },
};

const aliases: Readonly<Record<string, string>> = {
  "-p": "--print",
  "-v": "--version",
  "-h": "--help",
  "-r": "--resume",
  "-c": "--continue",
  "--allowedTools": "--allowed-tools",
  "--disallowedTools": "--disallowed-tools",
};

/** Taken, and without effect here; the agent says so where it matters. */
export const withoutEffect = [
  "--settings",
  "--mcp-config",
  "--fallback-model",
  "--effort",
  "--betas",
  "--thinking",
  "--task-budget",
];

export interface Asked {
  readonly output: "human" | "json" | "text" | "result" | "stream-json";
  readonly input: "text" | "stream-json";
  readonly prompt: string | undefined;
  readonly mode: PermissionMode;
  /** `--tools`; absent: all. */
  readonly tools: readonly string[] | undefined;
  readonly maxTurns: number;
  readonly thinkingTokens: number;
  /** `--max-budget-usd`; absent: no end. */
  readonly maxCostUsd: number | undefined;
  readonly contextTokens: number;
  has(flag: string): boolean;
  value(flag: string): string | undefined;
  list(flag: string): readonly string[];
}

/** The command line is not understood; the message says what is, and the program ends with it. */
export class FlagFault extends Error {
  override readonly name = "FlagFault";
}

export function parseFlags(words: readonly string[]): Asked {
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") {
      rest.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    at += take(words, { at, given });
  }
  if (rest.length > 1)
    throw new FlagFault(
      `There are ${rest.length} tasks, "${rest[0]}" and "${rest[1]}"; put one into quotes.`,
    );
  return read(given, rest[0]);
}

/** How many further words the flag at this place takes. */
function take(words: readonly string[], { at, given }: { at: number; given: Map<string, string[]> }): number {
  const [written = "", ...after] = (words[at] ?? "").split("=");
  const name = aliases[written] ?? written;
  const kind = flags[name];
  if (kind === undefined) {
    const meant = nearest(written, [...Object.keys(flags), ...Object.keys(aliases)]);
    throw new FlagFault(
      `The flag "${written}" is unknown.${meant === undefined ? "" : ` Is ${meant} meant?`}`,
    );
  }
  const values = given.get(name) ?? [];
  given.set(name, values);
  if (kind === "switch") return 0;
  if (words[at]?.includes("=")) {
    values.push(after.join("="));
    return 0;
  }
  const next = words.slice(at + 1);
  const count = kind === "list" ? countOfList(next, name.endsWith("tools")) : next.length > 0 ? 1 : 0;
  if (count === 0) throw new FlagFault(`The flag "${written}" needs a value.`);
  values.push(...next.slice(0, count));
  return count;
}

/** A list goes on until the next flag; one of tools until a word that names none, which is the task. */
function countOfList(words: readonly string[], ofTools: boolean): number {
  const end = words.findIndex(
    (word, at) =>
      word.startsWith("-") || (ofTools && at > 0 && !/^([A-Z]\w*|mcp__\S+)(\(.*\))?$/s.test(word)),
  );
  return end === -1 ? words.length : end;
}

function read(given: ReadonlyMap<string, readonly string[]>, prompt: string | undefined): Asked {
  const has = (flag: string) => given.has(flag);
  const value = (flag: string) => given.get(flag)?.at(-1);
  const list = (flag: string) => (given.get(flag) ?? []).flatMap(splitList);
  const format = oneOf("--output-format", value("--output-format") ?? "text", [
    "text",
    "json",
    "stream-json",
  ]);
  const output =
    has("--stream-json") || format === "stream-json"
      ? "stream-json"
      : has("--json")
        ? "json"
        : has("--print")
          ? ({ text: "text", json: "result" } as const)[format]
          : "human";
  const asInput = has("--stream-json") ? "stream-json" : "text";
  const input = oneOf("--input-format", value("--input-format") ?? asInput, ["text", "stream-json"]);
  const asked = oneOf("--permission-mode", value("--permission-mode") ?? "default", permissionModes);
  return {
    ...{ output, input, prompt, has, value, list },
    mode: has("--dangerously-skip-permissions") ? "bypassPermissions" : asked,
    tools: has("--tools") ? list("--tools").filter((name) => name !== "") : undefined,
    maxTurns: whole("--max-turns", value("--max-turns") ?? "1000", 1),
    thinkingTokens: whole("--max-thinking-tokens", value("--max-thinking-tokens") ?? "0", 0),
    maxCostUsd: has("--max-budget-usd")
      ? dollars("--max-budget-usd", value("--max-budget-usd") ?? "")
      : undefined,
    contextTokens: whole("--context-tokens", value("--context-tokens") ?? "200000", 1000),
  };
}

/** Names divided by commas or spaces, but not within a rule's parentheses. */
function splitList(text: string): string[] {
  return text.match(/[^\s,(]+(?:\([^)]*\))?/g) ?? [];
}

function oneOf<T extends string>(flag: string, given: string, known: readonly T[]): T {
  const found = known.find((name) => name === given);
  if (found === undefined)
    throw new FlagFault(`The flag ${flag} is "${given}"; it must be one of: ${known.join(", ")}.`);
  return found;
}

function whole(flag: string, given: string, least: number): number {
  const number = Number(given);
  if (!/^\d+$/.test(given) || number < least || !Number.isSafeInteger(number))
    throw new FlagFault(`The flag ${flag} is "${given}"; it must be a whole number, at least ${least}.`);
  return number;
}

function dollars(flag: string, given: string): number {
  const number = Number(given);
  if (!/^\d+(\.\d+)?$/.test(given) || number === 0)
    throw new FlagFault(`The flag ${flag} is "${given}"; it must be an amount of US dollars, above 0.`);
  return number;
}
