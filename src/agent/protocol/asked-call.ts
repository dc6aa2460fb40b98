import { printable } from "../../lib/printable.ts";

/** Characters of a call that a person is shown before they decide. */
const SHOWN = 4000;

/**
 * A call as a person is asked about it. SECURITY(P12): they allow what they have seen, so what is left out is said, and a long
 * part of a call hides none of its short ones.
 */
export function askedCall(tool: string, input: unknown): string {
  const text = printable(JSON.stringify(input) ?? "");
  const name = printable(tool).slice(0, 200);
  if (text.length <= SHOWN) return `${name} ${text}`;
  const whole = printable(JSON.stringify(shortFirst(input)));
  const half = SHOWN / 2;
  const left = whole.length - SHOWN;
  return `${name} ${whole.slice(0, half)}\n  [${left} of ${whole.length} characters are left out here]\n  ${whole.slice(-half)}`;
}

function shortFirst(input: unknown): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  const length = (value: unknown) => (JSON.stringify(value) ?? "").length;
  return Object.fromEntries(Object.entries(input).sort(([, one], [, other]) => length(one) - length(other)));
}
