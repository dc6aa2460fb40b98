import type { Writable } from "node:stream";
import type { Command, Flag, FlagGroup } from "../command.ts";
import { flagsOf } from "../parse-flags.ts";
import { wrapped } from "./wrapped.ts";

const groups: readonly (FlagGroup | undefined)[] = [
  ...(["Everyday", "Agent", "Folders", "Network", "Limits"] as const),
  ...(["Session and settings", "Output", "Unusual"] as const),
  undefined,
];

/** So many flags are seen at a glance; a longer list has headings. */
const GLANCE = 14;
/** Descriptions narrower than this stand below their flag. */
const LEAST_WIDTH = 28;

/** How wide help is: as the terminal, as far as lines are still read with ease; 80 where nothing says. */
export function helpWidth(stdout: Writable): number {
  const { columns = 80 } = stdout as { readonly columns?: number };
  return columns > 0 ? Math.min(columns, 120) : 80;
}

function spelled(flag: Flag): string {
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return `${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${value}`;
}

/** Rows of two columns: what it is called, and what it is for. */
function table(rows: readonly { readonly left: string; readonly right: string }[], width: number): string[] {
  const left = Math.max(...rows.map((row) => row.left.length));
  const isBeside = width - left - 4 >= LEAST_WIDTH;
  const indent = isBeside ? left + 4 : 10;
  return rows.flatMap((row) => {
    const [first = "", ...rest] = wrapped(row.right, width - indent);
    const more = rest.map((line) => `${"".padEnd(indent)}${line}`);
    if (isBeside) return [`  ${row.left.padEnd(left)}  ${first}`, ...more];
    return [`  ${row.left}`, `${"".padEnd(indent)}${first}`, ...more];
  });
}

function flagLines(command: Command, width: number): string[] {
  const flags = flagsOf(command);
  const rows = flags.map((flag) => ({
    group: flag.group,
    left: spelled(flag),
    right: `${flag.help}${flag.repeat ? " (repeatable)" : ""}`,
  }));
  const lines = table(rows, width);
  if (flags.length <= GLANCE) return lines;
  // One table for all, so that the columns stand alike under each heading.
  const blocks = groups.map((group) => ({ group, rows: rows.filter((row) => row.group === group) }));
  const widest = Math.max(...rows.map((row) => row.left.length));
  return blocks
    .filter((block) => block.rows.length > 0)
    .flatMap((block, index) => [
      ...(index === 0 ? [] : [""]),
      `${block.group ?? "Help"}:`,
      ...table(
        block.rows.map(({ left, right }) => ({ left: left.padEnd(widest), right })),
        width,
      ),
    ]);
}

/** `workcell NAME --help`. */
export function renderHelp(command: Command, width: number): string {
  const { name, summary, usage, notes = [], parts = [], example } = command;
  return [
    ...wrapped(`workcell ${name}: ${summary}`, width),
    "",
    `Usage: workcell ${name} ${usage}`.trimEnd(),
    "",
    ...notes.flatMap((note) => wrapped(note, width)),
    ...(notes.length === 0 ? [] : [""]),
    ...table(
      parts.map((part) => ({ left: part.name, right: part.help })),
      width,
    ),
    ...(parts.length === 0 ? [] : [""]),
    ...flagLines(command, width),
    "",
    `Example: ${example}`,
    "",
  ].join("\n");
}

/** `workcell --help`. */
export function renderOverview(commands: readonly Command[], width: number): string {
  return [
    "workcell: a fenced Linux computer for an AI coworker",
    "",
    "Usage: workcell COMMAND [FLAGS] [ARGUMENTS]",
    "",
    ...table(
      commands.map(({ name, summary }) => ({ left: name, right: summary })),
      width,
    ),
    "",
    ...wrapped(
      "A command runs in a cell, with what it needs and nothing else of yours. What stays of it, its changes to your folder among them, is its session.",
      width,
    ),
    "",
    ...wrapped(
      'First, in a folder of yours: workcell run -m . -- sh -c "date > now.txt", then workcell diff and workcell apply.',
      width,
    ),
    ...wrapped("Without an account: workcell agent --model scripted. Every command has --help.", width),
    "",
  ].join("\n");
}
