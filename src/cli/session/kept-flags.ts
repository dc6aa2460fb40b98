import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { printable } from "../../lib/printable.ts";
import { realPlace } from "../../lib/real-place.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import { isSession } from "../../session/index.ts";
import type { CommandContext, FlagValues } from "../command.ts";
import { settingsFlags } from "../settings-flags.ts";

/** Flags as they are kept: what was given for each, from any folder. */
type Kept = Readonly<Record<string, readonly string[]>>;

/** The flags that a session was made with, in its folder. */
export const SESSION_FLAGS = "flags.json";
/** The flags that a cell was started with, in the cell's. */
export const CELL_FLAGS = "asked.json";

/** A path of the person's, wherever it is read. */
function absolute(name: string, value: string, cwd: string): string {
  if (name === "settings") return path.resolve(cwd, value);
  const [, prefix = "", source = ""] = /^(src=)?(.*)$/s.exec(value) ?? [];
  if (source.startsWith("/") || source.startsWith("~")) return value;
  // The folder that one stands in has its own name, not "/." behind it.
  const below = source.replace(/^\.(?:\/+|(?=[:,]|$))/, "");
  return `${prefix}${cwd}${/^(?:[:,]|$)/.test(below) ? "" : "/"}${below}`;
}

/** What is kept of one flag. A variable's value may be a secret: its name is kept, and the value is the host's. */
function keptValues(name: string, values: readonly string[], cwd: string): readonly string[] {
  if (name === "env") return values.filter((value) => !value.includes("="));
  return name === "mount" || name === "settings" ? values.map((value) => absolute(name, value, cwd)) : values;
}

/** Writes down the flags that become settings, but for values of variables. */
export function keepFlags(file: string, flags: FlagValues, cwd: string): void {
  const kept = settingsFlags
    .filter(({ name }) => name !== "session" && flags.has(name))
    .map(({ name }) => [name, keptValues(name, flags.all(name), cwd)] as const);
  const record = { schema: "workcell.flags/1", flags: Object.fromEntries(kept) };
  writeFileSync(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Flags that were kept; undefined when there are none. */
export function readFlags(file: string): Kept | undefined {
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly flags: Kept }).flags;
}

/** The flags that a session was made with, as they were given; none where it was made by a run. */
export function shownFlags(folder: string): readonly string[] {
  try {
    const kept = readFlags(path.join(folder, SESSION_FLAGS)) ?? {};
    return Object.entries(kept).flatMap(([name, values]) =>
      values.map((value) => `--${name} ${printable(value)}`),
    );
  } catch (error) {
    // A damaged session is looked at, too: a run in it says what is wrong.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** What is given now stands before what was kept; flags that may be repeated add to it. */
export function joinFlags(kept: Kept, given: FlagValues): FlagValues {
  const repeated = new Set(settingsFlags.filter(({ repeat }) => repeat).map(({ name }) => name));
  const all = (name: string) => {
    const own = given.all(name);
    if (repeated.has(name)) return [...(kept[name] ?? []), ...own];
    return given.has(name) ? own : (kept[name] ?? []);
  };
  return {
    has: (name) => given.has(name) || kept[name] !== undefined,
    text: (name) => all(name).at(-1),
    all,
  };
}

/** With the flags that the named session was made with. */
export function withSessionFlags(
  flags: FlagValues,
  { env, home }: Pick<CommandContext, "env" | "home">,
): FlagValues {
  const name = flags.text("session");
  if (name === undefined) return flags;
  const state = realPlace(stateFolder(env, home));
  if (!isSession(state, name)) return flags;
  const kept = readFlags(path.join(state, "sessions", name, SESSION_FLAGS));
  return kept === undefined ? flags : joinFlags(kept, flags);
}
