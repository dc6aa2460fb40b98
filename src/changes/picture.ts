import type { FileDescription } from "./file-description.ts";

interface Dimensions {
  readonly width: number;
  readonly height: number;
}

/** PNG, JPEG, GIF and WebP, by their first bytes. */
export function describePicture(head: Buffer): FileDescription | undefined {
  const [format, size] = formatOf(head);
  if (size === undefined) return undefined;
  return { format: `${format} image`, detail: `${size.width}×${size.height}` };
}

function formatOf(head: Buffer): readonly [format: string, size: Dimensions | undefined] {
  const magic = head.toString("latin1", 0, 16);
  if (magic.startsWith("\x89PNG\r\n\x1a\n")) return ["PNG", pngSize(head)];
  if (magic.startsWith("GIF87a") || magic.startsWith("GIF89a")) return ["GIF", gifSize(head)];
  if (magic.startsWith("\xff\xd8\xff")) return ["JPEG", jpegSize(head)];
  if (magic.startsWith("RIFF") && magic.slice(8, 12) === "WEBP") return ["WebP", webpSize(head)];
  return ["", undefined];
}

function pngSize(head: Buffer): Dimensions | undefined {
  if (head.length < 24 || head.toString("latin1", 12, 16) !== "IHDR") return undefined;
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
}

function gifSize(head: Buffer): Dimensions | undefined {
  return head.length < 10 ? undefined : { width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
}

/** The size stands in the first "start of frame"; every segment before it says its own length. */
function jpegSize(head: Buffer): Dimensions | undefined {
  let at = 2;
  while (at + 9 <= head.length) {
    if (head[at] !== 0xff) return undefined;
    const marker = head[at + 1] ?? 0;
    if (marker === 0xff) {
      at++; // a fill byte
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: head.readUInt16BE(at + 5), width: head.readUInt16BE(at + 7) };
    const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
    if (!standsAlone && head.readUInt16BE(at + 2) < 2) return undefined;
    at += standsAlone ? 2 : 2 + head.readUInt16BE(at + 2);
  }
  return undefined;
}

function webpSize(head: Buffer): Dimensions | undefined {
  if (head.length < 30) return undefined;
  const kind = head.toString("latin1", 12, 16);
  if (kind === "VP8X") return { width: 1 + head.readUIntLE(24, 3), height: 1 + head.readUIntLE(27, 3) };
  if (kind === "VP8 ") {
    return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
  }
  if (kind !== "VP8L" || head[20] !== 0x2f) return undefined;
  const bits = head.readUInt32LE(21);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}
