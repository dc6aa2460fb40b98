import { isUtf8 } from "node:buffer";
import { ToolFault } from "./tool.ts";

/** How a file's bytes stand for characters. `latin1` is any 8-bit file that is not UTF-8: each byte is one character. */
export type Encoding = "utf8" | "utf16le" | "utf16be" | "latin1";

/** The encoding of a file, by its first bytes and, if they say nothing, by all that is given. */
export function encodingOf(bytes: Buffer): Encoding | "binary" {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf16be";
  if (bytes.subarray(0, 8192).includes(0)) return "binary";
  return isUtf8(bytes) ? "utf8" : "latin1";
}

/** Characters of a file's bytes; the order mark stays. */
export function decode(bytes: Buffer, encoding: Encoding): string {
  if (encoding !== "utf16be") return bytes.toString(encoding);
  return swapped(bytes).toString("utf16le");
}

/** Bytes that these characters have in a file of this encoding; characters that it cannot hold are refused. */
export function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === "latin1") {
    const strange = /[^\u0000-\u00ff]/u.exec(text)?.[0];
    if (strange !== undefined)
      throw new ToolFault(
        `The file is not UTF-8, and its 8-bit encoding may have no "${strange}". Convert it first, for example with iconv, or use other characters.`,
      );
  }
  return encoding === "utf16be" ? swapped(Buffer.from(text, "utf16le")) : Buffer.from(text, encoding);
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16();
}

/** Where `part` stands in `bytes`, at whole characters only, without overlaps. */
export function placesOf(part: Buffer, bytes: Buffer, encoding: Encoding): number[] {
  const width = encoding.startsWith("utf16") ? 2 : 1;
  const places: number[] = [];
  for (let at = bytes.indexOf(part); at !== -1; ) {
    const whole = at % width === 0;
    if (whole) places.push(at);
    at = bytes.indexOf(part, at + (whole ? part.length : 1));
  }
  return places;
}

/** The bytes with what stands at these places replaced; every other byte stays as it is. */
export function replaceAt(
  bytes: Buffer,
  places: readonly number[],
  { from, to }: { readonly from: Buffer; readonly to: Buffer },
): Buffer {
  const parts: Buffer[] = [];
  let done = 0;
  for (const place of places) {
    parts.push(bytes.subarray(done, place), to);
    done = place + from.length;
  }
  return Buffer.concat([...parts, bytes.subarray(done)]);
}
