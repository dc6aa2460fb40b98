import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { globExpression } from "./glob-pattern.ts";
import { defineTool, ToolFault } from "./tool.ts";
import { newestFirst, type Walk, walk } from "./walk.ts";

const SHOWN = 100;

/** Folders that a search leaves out, unless the pattern or the path goes there. */
export const usualSkips = [".git", ".hg", ".svn", "node_modules"] as const;

/** Glob: files by a pattern of their path. */
export const glob = defineTool({
  name: "Glob",
  description: `Finds files by a pattern of their path, the newest first: "**/*.ts", "src/**/*.{js,ts}". \`*\` stays within a name, \`**\` goes through folders. Shows ${SHOWN} and says how many more there are. Leaves out ${usualSkips.join(", ")} unless the pattern or the path names them.`,
  fields: {
    pattern: { type: "string", description: "The pattern, relative to the folder" },
    path: { type: "string", description: "The folder (the current one)", optional: true },
  },
  parallel: true,
  readOnly: true,
  run: async (input, { place, signal }) => {
    const [fixed, pattern] = split(input.pattern);
    const root = await realpath(path.resolve(place.resolve(input.path ?? "."), fixed));
    if (!(await stat(root)).isDirectory())
      throw new ToolFault(`"${root}" is a file; \`path\` must be a folder.`);
    const skips = new Set<string>(usualSkips.filter((name) => !pattern.split("/").includes(name)));
    const found = await walk(root, { skips, signal });
    const expression = globExpression(pattern);
    const files = await newestFirst(
      root,
      found.files.filter((file) => expression.test(file)),
    );
    const paths = files.map((file) => path.join(root, file));
    const lines =
      paths.length === 0 ? [`No file matches "${input.pattern}" in "${root}".`] : paths.slice(0, SHOWN);
    if (paths.length > SHOWN) {
      const file = await place.keep(`${paths.join("\n")}\n`, "files");
      lines.push(
        `[${paths.length - SHOWN} older files of ${paths.length} are left out; all of them are in ${file}]`,
      );
    }
    return { text: [...lines, ...walkNotes(root, found)].join("\n") };
  },
});

/** The folder that a pattern begins with, and the rest of it. */
function split(pattern: string): [string, string] {
  const parts = pattern.split("/");
  const wild = parts.findIndex((part) => /[*?[{\\]/.test(part));
  const at = wild === -1 ? parts.length - 1 : wild;
  const folder = parts.slice(0, at).join("/");
  return [pattern.startsWith("/") && folder === "" ? "/" : folder, parts.slice(at).join("/")];
}

/** What a search did not look at. */
export function walkNotes(root: string, { closed, stopped }: Walk): string[] {
  const more = closed.length > 5 ? ` and ${closed.length - 5} more folders` : "";
  return [
    ...(closed.length > 0 ? [`[Not opened: ${closed.slice(0, 5).join(", ")}${more}]`] : []),
    ...(stopped ? [`["${root}" holds more files than are searched at once; name a folder below it]`] : []),
  ];
}
