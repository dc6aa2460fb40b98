import { readFile, realpath, stat, writeFile } from "node:fs/promises";
import { decode, type Encoding, encode, encodingOf, placesOf, replaceAt } from "./file-text.ts";
import { excerpt } from "./numbered.ts";
import { MAX_EDIT_BYTES } from "./open-file.ts";
import { defineTool, ToolFault } from "./tool.ts";

/** Edit: replaces an exact text in a file; what it does not replace keeps every byte. */
export const edit = defineTool({
  name: "Edit",
  description:
    "Replaces an exact text in a file. The file must have been read with Read before. `old_string` must stand in the file exactly once, white space included and without Read's line numbers; with `replace_all` every occurrence is replaced. Encoding, byte order mark and line endings of the file stay.",
  fields: {
    file_path: { type: "string", description: "Absolute path of the file" },
    old_string: { type: "string", description: "The text to replace" },
    new_string: { type: "string", description: "The text to put in its place; it must differ" },
    replace_all: { type: "boolean", description: "Replace every occurrence (false)", optional: true },
  },
  run: async (input, { place }) => {
    const { old_string: from, new_string: to } = input;
    if (from === to) throw new ToolFault("`old_string` and `new_string` are the same: nothing to do.");
    if (from === "") throw new ToolFault("`old_string` is empty. To make a file, use Write.");
    const file = await realpath(place.resolve(input.file_path));
    const { size } = await stat(file);
    if (size > MAX_EDIT_BYTES)
      throw new ToolFault(
        `"${file}" has ${size} bytes; Edit takes at most ${MAX_EDIT_BYTES}. Use Bash, for example sed.`,
      );
    await place.seen.mustBeKnown(file);
    const bytes = await readFile(file);
    const encoding = encodingOf(bytes);
    if (encoding === "binary") throw new ToolFault(`"${file}" is binary. Change it with Bash.`);
    const { places, part } = find(bytes, { from, to, encoding });
    if (places.length === 0)
      throw new ToolFault(
        `\`old_string\` does not stand in "${file}". Read it again and copy the text exactly.`,
      );
    if (places.length > 1 && input.replace_all !== true)
      throw new ToolFault(
        `\`old_string\` stands ${places.length} times in "${file}". Add lines around it until it is unique, or set replace_all.`,
      );
    const changed = replaceAt(bytes, places, part);
    // In place and not by a rename: owner, permissions, hard links and watchers stay with the file.
    await writeFile(file, changed);
    await place.seen.see(file);
    const line = decode(changed.subarray(0, places[0]), encoding).split("\n").length;
    const count = places.length === 1 ? "" : ` ${places.length} times`;
    const lines = decode(part.to, encoding).split("\n").length;
    return {
      text: `Changed "${file}"${count}. It now reads:\n${excerpt(decode(changed, encoding), { line, lines })}`,
    };
  },
});

interface Search {
  readonly from: string;
  readonly to: string;
  readonly encoding: Encoding;
}

/** Finds the text as it is; where the file ends its lines with CR LF and the text with LF, in the file's manner. */
function find(bytes: Buffer, { from, to, encoding }: Search) {
  const asIs = { from: encode(from, encoding), to: encode(to, encoding) };
  const places = placesOf(asIs.from, bytes, encoding);
  const hasReturns = bytes.includes(encode("\r\n", encoding));
  if (!hasReturns || from.includes("\r")) return { places, part: asIs };
  const crLf = (text: string) => text.replace(/\r?\n/g, "\r\n");
  const part = { from: encode(crLf(from), encoding), to: encode(crLf(to), encoding) };
  const inFileManner = placesOf(part.from, bytes, encoding);
  return inFileManner.length > 0 ? { places: inFileManner, part } : { places, part: asIs };
}
