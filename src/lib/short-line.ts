import { printable } from "./printable.ts";

const limitCharacters = 500;

/**
 * What a cell sent, as one printable line of at most 500 characters; a longer one ends with an ellipsis. The result
 * holds on to nothing of the text it was cut from.
 */
export function shortLine(text: string): string {
  // Nothing gets shorter by being made printable, so what lies behind twice the limit is never seen.
  const line = printable(text.slice(0, 2 * limitCharacters));
  const cut = line.length > limitCharacters ? `${line.slice(0, limitCharacters - 1)}…` : line;
  // V8 keeps the whole text alive behind a slice of it: 60 kB of head for a subject of 20 bytes.
  return Buffer.from(cut).toString();
}
