import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { codeOf } from "../../errors/index.ts";
import { type Attachment, ToolFault } from "./tool.ts";

/** Bytes above which the Messages API takes no picture, and no document. */
const PICTURE_LIMIT = 3_750_000;
const PDF_LIMIT = 20_000_000;
/** A damaged document may keep a program busy for ever. */
const PDF_MS = 60_000;

const pictures = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF....WEBP/s],
] as const;

/** A picture or a PDF as the model takes it, by what the bytes say and not by the file's name. */
export function attachmentOf(file: string, bytes: Buffer): Attachment | undefined {
  const start = bytes.subarray(0, 16).toString("latin1");
  const [picture] = pictures.find(([, sign]) => sign.test(start)) ?? [];
  if (picture !== undefined) {
    if (bytes.length > PICTURE_LIMIT)
      throw new ToolFault(
        `The picture "${file}" has ${bytes.length} bytes; at most ${PICTURE_LIMIT} can be shown. Make it smaller first, for example with convert -resize.`,
      );
    return { type: "image", source: { type: "base64", media_type: picture, data: bytes.toString("base64") } };
  }
  if (!start.startsWith("%PDF-")) return undefined;
  if (bytes.length > PDF_LIMIT)
    throw new ToolFault(
      `The document "${file}" has ${bytes.length} bytes; at most ${PDF_LIMIT} can be shown. Name \`pages\`, for example "1-5".`,
    );
  const source = { type: "base64", media_type: "application/pdf", data: bytes.toString("base64") } as const;
  return { type: "document", source };
}

/** The text of some pages of a PDF. */
export async function pdfPages(file: string, pages: string, signal: AbortSignal): Promise<string> {
  const [, first, last = first] = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(pages) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first) || Number(first) < 1)
    throw new ToolFault(
      `The parameter \`pages\` is "${pages}"; it must be a page or a range, as "3" or "1-5".`,
    );
  try {
    const run = promisify(execFile);
    const { stdout } = await run("pdftotext", ["-layout", "-f", first, "-l", last, "--", file, "-"], {
      ...{ maxBuffer: 16 * 1024 * 1024, timeout: PDF_MS, killSignal: "SIGKILL", signal },
    });
    return stdout.trim() === "" ? `[Pages ${first} to ${last} of "${file}" hold no text.]` : stdout;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw new ToolFault(`pdftotext could not read "${file}": ${error}`);
    throw new ToolFault(
      "Pages are taken out of a PDF with pdftotext, which is not installed. Leave `pages` out.",
    );
  }
}
