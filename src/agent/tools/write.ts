import { mkdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";
import { encodingOf } from "./file-text.ts";
import { MAX_EDIT_BYTES } from "./open-file.ts";
import { defineTool, ToolFault } from "./tool.ts";

/** Write: makes a file, or replaces one that has been read. */
export const write = defineTool({
  name: "Write",
  description:
    "Writes a file with exactly this content, in UTF-8. A file that exists is replaced, and must have been read with Read before; to change a part of it, use Edit. Folders on the way are made.",
  fields: {
    file_path: { type: "string", description: "Absolute path of the file" },
    content: { type: "string", description: "The whole content" },
  },
  run: async ({ file_path: named, content }, { place }) => {
    const file = await realFile(place.resolve(named));
    const before = await whatStands(file);
    if (before === undefined) await mkdir(path.dirname(file), { recursive: true });
    else await place.seen.mustBeKnown(file);
    await writeFile(file, content);
    await place.seen.see(file);
    const lines = content.split("\n").length - (content.endsWith("\n") ? 1 : 0);
    const note = before === undefined || before === "UTF-8" ? "" : ` It was ${before} and is UTF-8 now.`;
    return {
      text: `${before === undefined ? "Made" : "Replaced"} "${file}": ${lines} lines, ${Buffer.byteLength(content)} bytes.${note}`,
    };
  },
});

/** A link leads to the file that it names, so that the file changes and the link stays. */
async function realFile(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return file;
    throw error;
  }
}

/** The kind of text that stands in a file, in words; `undefined`: there is no such file. */
async function whatStands(file: string): Promise<string | undefined> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new ToolFault(`"${file}" is no plain file: it cannot be written.`);
    if (found.size > MAX_EDIT_BYTES) return "UTF-8";
    const encoding = encodingOf(await readFile(file));
    return {
      utf8: "UTF-8",
      latin1: "in an 8-bit encoding",
      binary: "binary",
      utf16le: "UTF-16",
      utf16be: "UTF-16",
    }[encoding];
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
