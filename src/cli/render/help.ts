import type { Command, Flag } from "../command.ts";
import { flagsOf } from "../parse-flags.ts";

function spelled(flag: Flag): string {
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return `${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${value}`;
}

/** `workcell NAME --help`. */
export function renderHelp(command: Command): string {
  const rows = flagsOf(command).map((flag) => ({
    left: spelled(flag),
    right: flag.help,
    repeat: flag.repeat,
  }));
  const width = Math.max(...rows.map((row) => row.left.length));
  const lines = rows.map(
    (row) => `  ${row.left.padEnd(width)}  ${row.right}${row.repeat ? " (repeatable)" : ""}`,
  );
  return [
    `workcell ${command.name}: ${command.summary}`,
    "",
    `Usage: workcell ${command.name} ${command.usage}`.trimEnd(),
    "",
    ...(command.notes === undefined ? [] : [...command.notes, ""]),
    ...lines,
    "",
    `Example: ${command.example}`,
    "",
  ].join("\n");
}

/** `workcell --help`. */
export function renderOverview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    "workcell: a fenced Linux computer for an AI coworker",
    "",
    "Usage: workcell COMMAND [FLAGS] [ARGUMENTS]",
    "",
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    "",
    "First, in a folder of yours: workcell run -m . --preset npm npm test, then workcell diff and workcell apply.",
    "Without an account: workcell agent --model scripted. Every command has --help.",
    "",
  ].join("\n");
}
