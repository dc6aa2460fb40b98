import { shownPath } from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";

const MOST = 20;

/** Why a change needs the person's eye, in a word and in words; undefined for a plain one. */
export function caution(change: JudgedChange): { readonly word: string; readonly why: string } | undefined {
  if (change.conflict !== undefined) return { word: "conflict", why: change.conflict };
  if (change.class === "plain") return undefined;
  return { word: change.class, why: change.reason ?? "" };
}

/** A line for each change that is not plain: word, path, reason. */
export function cautions(changes: readonly JudgedChange[]): string {
  const lines = changes.flatMap((change) => {
    const found = caution(change);
    if (found === undefined) return [];
    return [`  ${found.word.padEnd(8)}  ${shownPath(change.path)}  ${printable(found.why)}\n`];
  });
  const more = lines.length > MOST ? [`  and ${lines.length - MOST} more: --json lists them all\n`] : [];
  return [...lines.slice(0, MOST), ...more].join("");
}

/** A line for each path that was left as it is. */
export function leftLines(left: readonly { readonly path: string; readonly why: string }[]): string {
  const lines = left.map(({ path, why }) => `  left      ${shownPath(path)}  ${printable(why)}\n`);
  const more = lines.length > MOST ? [`  and ${lines.length - MOST} more\n`] : [];
  return [...lines.slice(0, MOST), ...more].join("");
}

export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;
