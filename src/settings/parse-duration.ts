import type { Origin, Sourced } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The longest that a timer of Node can wait. */
const longestMs = 2 ** 31 - 1;

function problemOf(ms: number | undefined): string | undefined {
  if (ms === undefined) return "not a whole number followed by ms, s, m or h";
  if (ms === 0) return "no time at all; leave it out for no limit";
  return ms > longestMs ? "more than the 596h that can be waited for" : undefined;
}

/** `500ms`, `30s`, `5m`, `2h`; in ms. */
export function parseDuration(text: string, origin: Origin, what = "time-out"): Sourced<number> {
  const [, digits = "", unit = ""] = /^(\d{1,15})(ms|s|m|h)$/.exec(text) ?? [];
  const factor = unitsMs[unit];
  const ms = factor === undefined ? undefined : Number(digits) * factor;
  const problem = problemOf(ms);
  if (ms !== undefined && problem === undefined) return { value: ms, origin };
  throw invalidValue({
    what,
    value: text,
    origin,
    problem: problem ?? "not a duration",
    remedy: "Write it like 500ms, 30s, 5m or 2h",
  });
}
