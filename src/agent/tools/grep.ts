import { spawn } from "node:child_process";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";
import { usualSkips } from "./glob.ts";
import { grepWithoutRipgrep } from "./grep-fallback.ts";
import { type CallContext, defineTool, type InputOf, type ToolAnswer, ToolFault } from "./tool.ts";
import { newestFirst } from "./walk.ts";

const optional = true as const;

const fields = {
  pattern: { type: "string", description: "Regular expression" },
  path: { type: "string", description: "File or folder (the current folder)", optional },
  glob: { type: "string", description: 'Only files whose path matches, as "*.js" or "src/**"', optional },
  type: { type: "string", description: "Only files of this type, as js, py, rust, go", optional },
  output_mode: {
    type: "string",
    enum: ["content", "files_with_matches", "count"],
    description: "Lines, files (the newest first), or matching lines of each file (files_with_matches)",
    optional,
  },
  "-B": { type: "integer", description: "Lines before each match (content)", minimum: 0, optional },
  "-A": { type: "integer", description: "Lines after each match (content)", minimum: 0, optional },
  "-C": { type: "integer", description: "Lines before and after each match (content)", minimum: 0, optional },
  "-n": { type: "boolean", description: "Line numbers (content; true)", optional },
  "-i": { type: "boolean", description: "Upper and lower case alike", optional },
  head_limit: { type: "integer", description: "Lines or files shown (250; 0: all)", minimum: 0, optional },
  offset: { type: "integer", description: "Lines or files left out at the beginning", minimum: 0, optional },
  multiline: { type: "boolean", description: "Matches may go over lines; `.` is any character", optional },
} as const;

export type GrepInput = InputOf<typeof fields>;

/** What a search found, and what it did not look at. */
export interface Found {
  readonly lines: readonly string[];
  readonly notes: readonly string[];
}

/** Grep: searches file contents, with ripgrep where it is installed. */
export const grep = defineTool({
  name: "Grep",
  description: `Searches the contents of files for a regular expression (ripgrep's syntax). Searches hidden files too; leaves out what .gitignore names, binary files, and ${usualSkips.join(", ")}. What is left out of a long answer is said.`,
  fields,
  parallel: true,
  readOnly: true,
  run: async (input, context) => {
    const root = await realpath(context.place.resolve(input.path ?? "."));
    const kind = await stat(root);
    if (!kind.isDirectory() && !kind.isFile())
      throw new ToolFault(`"${root}" is no folder and no plain file, but a pipe, a socket or a device.`);
    const found =
      (await withRipgrep(input, root, context)) ?? (await grepWithoutRipgrep(input, root, context.signal));
    return answer(input, found, { root, context });
  },
});

async function answer(
  input: GrepInput,
  found: Found,
  { root, context }: { readonly root: string; readonly context: CallContext },
): Promise<ToolAnswer> {
  const mode = input.output_mode ?? "files_with_matches";
  const all = mode === "files_with_matches" ? await newestFirst("/", found.lines) : found.lines;
  if (all.length === 0) return { text: [`Nothing matches in "${root}".`, ...found.notes].join("\n") };
  const [from, count] = [input.offset ?? 0, input.head_limit ?? 250];
  const shown = all.slice(from, count === 0 ? undefined : from + count);
  const notes = [...found.notes];
  if (shown.length < all.length) {
    const file = await context.place.keep(`${all.join("\n")}\n`, "grep");
    notes.push(
      `[${shown.length} of ${all.length} lines, from line ${from + 1} on; all of them are in ${file}]`,
    );
  }
  return { text: [await context.place.shown(shown.join("\n"), "grep"), ...notes].join("\n") };
}

function ripgrepWords(input: GrepInput): string[] {
  const mode = input.output_mode ?? "files_with_matches";
  const number = (flag: "-A" | "-B" | "-C") => (input[flag] === undefined ? [] : [flag, `${input[flag]}`]);
  const lines = [...number("-B"), ...number("-A"), ...number("-C"), input["-n"] === false ? "-N" : "-n"];
  return [
    ...["--color", "never", "--hidden", "--no-heading", "--with-filename", "--no-config"],
    ...["--max-columns", "500", "--max-columns-preview"],
    ...{ content: lines, files_with_matches: ["-l"], count: ["-c"] }[mode as "content"],
    ...(input["-i"] ? ["-i"] : []),
    ...(input.multiline ? ["-U", "--multiline-dotall"] : []),
    ...(input.glob === undefined ? [] : ["--glob", input.glob]),
    // Of two globs that match, the later one counts.
    ...usualSkips.flatMap((name) => ["--glob", `!**/${name}/**`]),
    ...(input.type === undefined ? [] : ["--type", input.type]),
    ...["--regexp", input.pattern],
  ];
}

const BUFFER_LIMIT = 16 * 1024 * 1024;

/** `undefined`: ripgrep is not installed. */
async function withRipgrep(input: GrepInput, root: string, context: CallContext): Promise<Found | undefined> {
  const isFolder = (await stat(root)).isDirectory();
  const words = [...ripgrepWords(input), "--", root];
  const cwd = isFolder ? root : path.dirname(root);
  const child = spawn("rg", words, {
    cwd,
    env: context.place.env,
    stdio: ["ignore", "pipe", "pipe"],
    signal: context.signal,
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  let size = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > BUFFER_LIMIT) child.kill();
    else out.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => err.length < 100 && err.push(chunk));
  const code = await new Promise<number | null | undefined>((resolve, reject) => {
    child.once("error", (error) => (codeOf(error) === "ENOENT" ? resolve(undefined) : reject(error)));
    child.once("close", resolve);
  });
  if (code === undefined) return undefined;
  const complaint = Buffer.concat(err).toString().trim();
  const text = Buffer.concat(out).toString();
  if (code === 2 && text === "") throw new ToolFault(`ripgrep: ${complaint}`);
  const notes = [
    ...(size > BUFFER_LIMIT ? [`[The search was ended at ${BUFFER_LIMIT} bytes of matches; narrow it]`] : []),
    ...(complaint === "" ? [] : [`[ripgrep also says: ${complaint.slice(0, 1000)}]`]),
  ];
  return { lines: text === "" ? [] : text.replace(/\n$/, "").split("\n"), notes };
}
