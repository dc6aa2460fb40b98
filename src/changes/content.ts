import type { FileServer, Place } from "./file-server.ts";

const chunkBytes = 1024 * 1024;

/** As git tells text from binary, over as much as was read: a NUL is in no text. One character a byte. */
export function isBinary(content: string): boolean {
  return content.includes("\0");
}

/** Up to `limitBytes` of a file from an offset, in calls of at most 1 MiB. */
export async function readBytes(
  server: FileServer,
  place: Place,
  range: { readonly offset: number; readonly limitBytes: number },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let read = 0;
  while (read < range.limitBytes) {
    const wanted = Math.min(chunkBytes, range.limitBytes - read);
    const part = await server.read(place, range.offset + read, wanted);
    parts.push(part);
    read += part.length;
    // Fewer than asked for: the file ends here.
    if (part.length < wanted) break;
  }
  return Buffer.concat(parts);
}
