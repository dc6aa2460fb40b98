import type { Origin, Sourced } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";
import type { UidRange } from "./layer.ts";

/** Below are the system's own users; nobody and the "no uid" of 16 bits are taken; above, ids turn negative in old programs. */
const lowest = 1000;
const taken = [65534, 65535];
const highest = 2 ** 31 - 1;

function problemOf({ first, last }: UidRange): string | undefined {
  if (last < first) return "its last is below its first";
  if (first < lowest) return `it begins below ${lowest}, among the system's own users`;
  if (last > highest) return `it ends above ${highest}`;
  return taken.some((uid) => first <= uid && uid <= last) ? `it contains ${taken.join(" or ")}` : undefined;
}

export function checkUidRange(range: UidRange, origin: Origin): Sourced<UidRange> {
  const problem = problemOf(range);
  if (problem === undefined) return { value: range, origin };
  throw invalidValue({
    what: "uid range",
    value: `${range.first}-${range.last}`,
    origin,
    problem,
    remedy: "Name a range that nothing else uses, like 1900000000-1900065535",
  });
}

/** `FIRST-LAST`. */
export function parseUidRange(text: string, origin: Origin): Sourced<UidRange> {
  const [, first, last] = /^(\d{1,10})-(\d{1,10})$/.exec(text) ?? [];
  if (first === undefined || last === undefined) {
    throw invalidValue({
      what: "uid range",
      value: text,
      origin,
      problem: "not two numbers with a - between them",
      remedy: "Write it as FIRST-LAST, like 1900000000-1900065535",
    });
  }
  return checkUidRange({ first: Number(first), last: Number(last) }, origin);
}
