import { printable } from "../lib/printable.ts";
import type { BytePath } from "../model/index.ts";
import { utf8Of } from "./byte-path.ts";

const letters: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** Whether a name can stand in a patch as it is: text, in which nothing quotes, ends the line or steers a terminal. */
function isPlain(name: BytePath): boolean {
  const text = utf8Of(name);
  return text !== undefined && !/["\\]/.test(name) && printable(text) === text;
}

/** A name as git and patch read it: as it is, or in double quotes with octal escapes for each odd byte. */
export function quoteName(name: BytePath): string {
  if (isPlain(name)) return name;
  const quoted = name.replace(
    /["\\\x00-\x1f\x7f-\xff]/g,
    (byte) => letters[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `"${quoted}"`;
}
