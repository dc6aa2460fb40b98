import type { ByteSource, FileDescription } from "./file-description.ts";
import { describeArchive } from "./office-file.ts";
import { describePdf } from "./pdf-file.ts";
import { describePicture } from "./picture.ts";

const headBytes = 256 * 1024;

/**
 * What can be said of a picture, an office file or a PDF; undefined: it is none that is known, or says nothing of
 * itself. Whatever the bytes are, nothing is thrown because of them.
 */
export async function describeFile(source: ByteSource): Promise<FileDescription | undefined> {
  const head = await source.read(0, Math.min(headBytes, source.size));
  return describePicture(head) ?? (await describePdf(source, head)) ?? (await describeArchive(source, head));
}
