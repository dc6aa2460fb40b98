import path from "node:path";
import { shownPath } from "../../changes/index.ts";
import { isInside } from "../../lib/is-inside.ts";
import { printable } from "../../lib/printable.ts";
import type { BytePath, JudgedChange } from "../../model/index.ts";

const MOST = 20;
const MOST_CHARACTERS = 400;

/** Why a change needs the person's eye, in a word and in words; undefined for a plain one. */
export function caution(change: JudgedChange): { readonly word: string; readonly why: string } | undefined {
  if (change.conflict !== undefined) return { word: "conflict", why: change.conflict };
  if (change.class === "plain") return undefined;
  return { word: change.class, why: change.reason ?? "" };
}

const colours: Readonly<Record<string, string>> = {
  ...{ conflict: "31", refused: "31", waiting: "33", marked: "33", left: "31" },
};

function line(word: string, place: BytePath, why: string, colour: boolean): string {
  const padded = word.padEnd(8);
  const shown = colour ? `\x1b[${colours[word] ?? "0"}m${padded}\x1b[0m` : padded;
  return `  ${shown}  ${shortened(shownPath(place))}${why === "" ? "" : ` (${printable(why)})`}\n`;
}

/** Of a path longer than a screen its two ends tell enough. */
const shortened = (text: string): string =>
  text.length <= MOST_CHARACTERS
    ? text
    : `${text.slice(0, MOST_CHARACTERS / 4)}...${text.slice((-MOST_CHARACTERS * 3) / 4)}`;

function bounded(lines: readonly string[], rest: string): string {
  if (lines.length <= MOST) return lines.join("");
  return `${lines.slice(0, MOST).join("")}  and ${lines.length - MOST} more${rest}\n`;
}

/** A line for each change that is not plain: word, path, reason. */
export function cautions(changes: readonly JudgedChange[], colour = false): string {
  const lines = changes.flatMap((change) => {
    const found = caution(change);
    return found === undefined ? [] : [line(found.word, change.path, found.why, colour)];
  });
  return bounded(lines, ": workcell diff --json lists them all");
}

/** A line for each path that was left as it is. */
export function leftLines(left: readonly { readonly path: string; readonly why: string }[]): string {
  return bounded(
    left.map(({ path: place, why }) => line("left", place, why, false)),
    "",
  );
}

export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/** A changed path as the person can type it where they are; undefined when it has to be quoted. */
export function typedPath(place: BytePath, folder: string, cwd: string): string | undefined {
  const shown = path.join(folder, shownPath(place));
  const isHere = isInside(cwd, folder);
  const typed = isHere ? path.relative(cwd, shown) : shown;
  return typed.length <= MOST_CHARACTERS && /^[\w./+@%,:][\w./+@%,:=-]*$/.test(typed) ? typed : undefined;
}
