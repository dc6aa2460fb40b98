import { attachmentOf, pdfPages } from "./attachment.ts";
import { decode, type Encoding, encodingOf } from "./file-text.ts";
import { LINE_LIMIT, numbered } from "./numbered.ts";
import { openFile } from "./open-file.ts";
import { defineTool, type ToolAnswer, ToolFault } from "./tool.ts";

const DEFAULT_LINES = 2000;
/** Characters of one answer; lines behind it are named and left for the next call. */
const CHARACTERS = 100_000;

/** Read: a file's lines with their numbers, a picture or a PDF as such. */
export const read = defineTool({
  name: "Read",
  description: `Reads a file. Text comes with line numbers (number, arrow, line), at most ${DEFAULT_LINES} lines from the beginning unless \`offset\` and \`limit\` say otherwise; a line is cut behind ${LINE_LIMIT} characters. What is left out is always said. Pictures (PNG, JPEG, GIF, WebP) and PDF documents are shown as such. Folders are listed with Glob or ls.`,
  fields: {
    file_path: { type: "string", description: "Absolute path of the file" },
    offset: { type: "integer", description: "First line, counted from 1", optional: true, minimum: 0 },
    limit: { type: "integer", description: "Number of lines", optional: true, minimum: 1 },
    pages: { type: "string", description: 'Of a PDF, as text: "3" or "1-5"', optional: true },
  },
  parallel: true,
  readOnly: true,
  run: async (input, { place, signal }) => {
    const { file, bytes } = await openFile(place.resolve(input.file_path));
    const attachment = input.pages === undefined ? attachmentOf(file, bytes) : undefined;
    await place.seen.see(file);
    if (input.pages !== undefined)
      return { text: await place.shown(await pdfPages(file, input.pages, signal), "pages", CHARACTERS) };
    if (attachment !== undefined)
      return { text: `${attachment.type} "${file}", ${bytes.length} bytes:`, attachments: [attachment] };
    const encoding = encodingOf(bytes);
    if (encoding === "binary")
      throw new ToolFault(
        `"${file}" is binary (${bytes.length} bytes). Look at it with Bash: file, xxd, strings.`,
      );
    return lines(decode(bytes, encoding), { file, encoding, from: input.offset ?? 1, count: input.limit });
  },
});

function lines(
  text: string,
  asked: {
    readonly file: string;
    readonly encoding: Encoding;
    readonly from: number;
    readonly count: number | undefined;
  },
): ToolAnswer {
  if (text === "") return { text: `[The file "${asked.file}" is empty.]` };
  const all = text.replace(/^\ufeff/, "").split("\n");
  if (all.at(-1) === "") all.pop();
  const first = Math.max(1, asked.from);
  if (first > all.length)
    throw new ToolFault(`"${asked.file}" has ${all.length} lines; \`offset\` is ${first}.`);
  const shown: string[] = [];
  let characters = 0;
  for (const line of all.slice(first - 1, first - 1 + (asked.count ?? DEFAULT_LINES))) {
    const next = numbered(line.replace(/\r$/, ""), first + shown.length);
    characters += next.length + 1;
    if (characters > CHARACTERS && shown.length > 0) break;
    shown.push(next);
  }
  return { text: [...shown, ...notes({ ...asked, all, first, last: first - 1 + shown.length })].join("\n") };
}

function notes(of: {
  readonly encoding: Encoding;
  readonly all: readonly string[];
  readonly first: number;
  readonly last: number;
}): string[] {
  const { all, first, last, encoding } = of;
  const isWhole = first === 1 && last === all.length;
  const rest = last < all.length ? `; the rest: Read with offset ${last + 1}` : "";
  const returns = all.filter((line) => line.endsWith("\r")).length;
  return [
    ...(isWhole ? [] : [`[Lines ${first} to ${last} of ${all.length}${rest}]`]),
    ...(returns > 0 ? [`[${returns === all.length ? "Lines" : `${returns} lines`} end with CR LF]`] : []),
    ...(encoding === "utf8" ? [] : [`[${encodingNotes[encoding]}]`]),
  ];
}

const encodingNotes = {
  latin1: "Not UTF-8: shown as Latin-1. Edit keeps every other byte as it is",
  utf16le: "UTF-16, little endian; Edit keeps it so",
  utf16be: "UTF-16, big endian; Edit keeps it so",
};
