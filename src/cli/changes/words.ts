import { lstatSync, readFileSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { isInside } from "../../lib/is-inside.ts";
import { realPlace } from "../../lib/real-place.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import type { BytePath } from "../../model/index.ts";
import { type Found, findSession, isSession, readOr, waitingLayers } from "../../session/index.ts";
import type { CommandContext, Flag, FlagValues } from "../command.ts";

/** What the words after `diff`, `apply`, `discard` and `undo` name. */
export interface Words {
  readonly name?: string;
  readonly paths: readonly string[];
}

export const stateOf = ({ env, home }: Pick<CommandContext, "env" | "home">): string =>
  realPlace(stateFolder(env, home));

/** Which session is meant where none is named. */
export const sessionNote =
  "SESSION is the newest with changes that wait, where none is named; in a connected folder the newest of that folder. What lies somewhere else is shown, and changed by its session's name alone. workcell session list shows them.";

/** Names a session where a path has the same name. */
export const sessionFlag: Flag = {
  name: "session",
  value: "NAME",
  help: "the session; each word that follows is a path then",
};

/** What cannot be looked at is nobody's to mean. */
function isThere(place: string): boolean {
  try {
    return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether a word is also a path: here, or among what waits. What a wrong guess would discard cannot be had back. */
function isPathToo(word: string, context: CommandContext): boolean {
  if (isThere(path.resolve(context.cwd, word))) return true;
  const found = findSession(stateOf(context), "changes", context.cwd);
  if (found === undefined) return false;
  return readOr(() => waitingLayers(found.session), []).some(({ folder, upper }) =>
    pathsIn([word], folder, { cwd: context.cwd, folders: [folder] }).some((place) =>
      isThere(path.join(upper, Buffer.from(place, "latin1").toString())),
    ),
  );
}

/** What was found, where it is not of a project that lies somewhere else: that is changed by its session's name alone. */
export const ifNear = (found: Found | undefined): Found | undefined =>
  found?.elsewhere === undefined ? found : undefined;

/** The first word is a session if there is one of that name; everything else are paths. Throws WC_USAGE where it is both. */
export function readWords(words: readonly string[], flags: FlagValues, context: CommandContext): Words {
  const named = flags.text("session");
  if (named !== undefined) return { name: named, paths: words };
  const [first, ...rest] = words;
  if (first === undefined || !isSession(stateOf(context), first)) return { paths: words };
  if (!isPathToo(first, context)) return { name: first, paths: rest };
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot tell what "${first}" is: it is the name of a session and of a path`,
    remedy: `Write ./${first} for the path, or --session ${first} for the session`,
  });
}

/**
 * What a word's bytes can be, one character each. Node has a replacement character for each byte that is no text; the kernel knows
 * what was typed. Words that read the same are all of them: each is among them.
 */
function spellingsOf(word: string): readonly [BytePath, ...BytePath[]] {
  const typed = word.includes("\ufffd") ? rawWords().filter((bytes) => bytes.toString() === word) : [];
  const [first = Buffer.from(word), ...others] = typed;
  return [first.toString("latin1"), ...others.map((bytes) => bytes.toString("latin1"))];
}

function rawWords(): readonly Buffer[] {
  const line = readFileSync("/proc/self/cmdline", "latin1");
  return line.split("\0").map((word) => Buffer.from(word, "latin1"));
}

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

/** Where links on the way lead, the last part left as it is: it may itself be a link that was changed. */
function withoutLinks(place: string): string {
  const text = Buffer.from(place, "latin1").toString();
  const parent = latin1(realPlace(path.dirname(text)));
  return path.join(parent, path.basename(place));
}

const behindLinks = (place: string) => latin1(realPlace(Buffer.from(place, "latin1").toString()));

export interface Standing {
  readonly cwd: string;
  /** All folders that the session is connected to. */
  readonly folders: readonly string[];
}

/**
 * A path as the person writes it, below a connected folder: absolute or from where they are, when that is in the folder;
 * from elsewhere, where nothing of that name is, from the folder itself. Undefined when it is outside.
 */
export function bytePathIn(word: string, folder: string, standing: Standing): BytePath | undefined {
  return placeOf(spellingsOf(word)[0], folder, standing);
}

function placeOf(bytes: BytePath, folder: string, { cwd, folders }: Standing): BytePath | undefined {
  const [top, from] = [latin1(folder), latin1(cwd)];
  const here = path.resolve(from, bytes);
  const reached = [here, withoutLinks(here), behindLinks(here)].find((place) => isInside(place, top));
  if (reached !== undefined) return reached.slice(top.length + 1);
  const isMeantHere = path.isAbsolute(bytes) || folders.some((one) => isInside(cwd, one));
  if (isMeantHere || isThere(path.resolve(cwd, Buffer.from(bytes, "latin1").toString()))) return undefined;
  const whole = path.resolve(top, bytes);
  return isInside(whole, top) ? whole.slice(top.length + 1) : undefined;
}

/** Those of the paths that lie in a folder. */
export const pathsIn = (
  words: readonly string[],
  folder: string,
  standing: Standing,
): readonly BytePath[] => [
  ...new Set(words.flatMap(spellingsOf).flatMap((bytes) => placeOf(bytes, folder, standing) ?? [])),
];
