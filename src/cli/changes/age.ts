import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";

const unitsMs: Readonly<Record<string, number>> = {
  ...{ s: 1000, m: 60_000, h: 3_600_000 },
  ...{ d: 86_400_000, w: 7 * 86_400_000 },
};

/** An age as a person writes it, in ms. Throws WC_USAGE. */
export function readAge(text: string, flag: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const factor = unitsMs[unit];
  if (factor !== undefined) return Number(digits) * factor;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot read the age "${printable(text)}" (flag ${flag}): it must be a number with s, m, h, d or w`,
    remedy: `Write it like ${flag} 7d`,
  });
}

/** How long ago, in the largest unit that fits: `3 d`, `40 min`, `5 s`. */
export function shownAge(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / (24 * 60))} d`;
}
