import { WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { Origin } from "../model/index.ts";

interface Parts {
  /** What the value is for, e.g. `time-out`. */
  readonly what: string;
  readonly value: unknown;
  readonly origin: Origin;
  /** The state found and the state needed. */
  readonly problem: string;
  readonly remedy: string;
}

const longest = 200;

/** A value in quotes, on one line, in a bounded length. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return `"${printable(short)}"`;
}

/** The error for one value of a setting that cannot be used. */
export function invalidValue(parts: Parts): WorkcellError {
  return new WorkcellError("WC_SETTINGS", {
    message: `Cannot use the ${parts.what} ${quoted(parts.value)} (${printable(parts.origin)}): ${parts.problem}`,
    remedy: parts.remedy,
    details: { value: parts.value, origin: parts.origin },
  });
}
