import { deflateSync } from "node:zlib";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const bytesPerLine = 52;

/** Both contents as git's binary patches carry them, whole and packed, so that the patch can be turned round too. */
export function gitBinary(content: { readonly before: Uint8Array; readonly after: Uint8Array }): string {
  return `GIT binary patch\n${literal(content.after)}\n${literal(content.before)}\n`;
}

function literal(content: Uint8Array): string {
  const packed = deflateSync(content);
  const lines: string[] = [];
  for (let at = 0; at < packed.length; at += bytesPerLine) {
    lines.push(`${lineOf(packed.subarray(at, at + bytesPerLine))}\n`);
  }
  return `literal ${content.length}\n${lines.join("")}`;
}

/** The count as a letter (A to Z, then a to z), then five characters for every four bytes. */
function lineOf(bytes: Uint8Array): string {
  const { length } = bytes;
  const count = String.fromCharCode(length <= 26 ? 64 + length : 96 + length - 26);
  let text = count;
  for (let at = 0; at < length; at += 4) {
    let value = 0;
    for (let index = at; index < at + 4; index++) value = value * 256 + (bytes[index] ?? 0);
    let five = "";
    for (let digit = 0; digit < 5; digit++) {
      five = (alphabet[value % 85] ?? "") + five;
      value = Math.floor(value / 85);
    }
    text += five;
  }
  return text;
}
