import { describeArchive } from "./office-file.ts";
import { describePdf } from "./pdf-file.ts";
import { describePicture } from "./picture.ts";

/** Any part of a file, fewer bytes where it ends. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

/** What a file is and how large, as a person would say it: `PNG image`, `640×480`; `Word document`, `3 pages`. */
export interface FileDescription {
  readonly format: string;
  readonly detail: string;
}

const headBytes = 256 * 1024;

/**
 * What can be said of a picture, an office file or a PDF; undefined: it is none that is known, or says nothing of
 * itself. Whatever the bytes are, nothing is thrown because of them.
 */
export async function describeFile(source: ByteSource): Promise<FileDescription | undefined> {
  const head = await source.read(0, Math.min(headBytes, source.size));
  return describePicture(head) ?? (await describePdf(source, head)) ?? (await describeArchive(source, head));
}

/** `1 page`, `3 pages`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
