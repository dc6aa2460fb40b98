import { stat } from "node:fs/promises";
import path from "node:path";
import vm from "node:vm";
import { codeOf } from "../../errors/index.ts";
import { readBoundedFile } from "../../lib/read-bounded-file.ts";
import { decode, encodingOf } from "./file-text.ts";
import { usualSkips, walkNotes } from "./glob.ts";
import { globExpression } from "./glob-pattern.ts";
import type { Found, GrepInput } from "./grep.ts";
import { ToolFault } from "./tool.ts";
import { walk } from "./walk.ts";

const FILE_LIMIT = 4 * 1024 * 1024;
const FILE_MS = 2000;

/** Endings of the types that are asked for most. */
const endings: Readonly<Record<string, string>> = {
  c: "c,h",
  cpp: "cc,cpp,cxx,h,hh,hpp",
  css: "css,scss",
  go: "go",
  html: "htm,html",
  java: "java",
  js: "cjs,js,jsx,mjs,vue",
  json: "json",
  md: "markdown,md,mdx",
  markdown: "markdown,md,mdx",
  php: "php",
  py: "py,pyi",
  ruby: "rb",
  rust: "rs",
  sh: "bash,sh,zsh",
  ts: "cts,mts,ts,tsx",
  txt: "txt",
  xml: "xml",
  yaml: "yaml,yml",
};

/** The same search in plain Node, where ripgrep is not installed; it says in what it differs. */
export async function grepWithoutRipgrep(
  input: GrepInput,
  root: string,
  signal: AbortSignal,
): Promise<Found> {
  const isFile = (await stat(root)).isFile();
  const skips = new Set<string>(usualSkips);
  const walked = isFile ? { files: [""], closed: [], stopped: false } : await walk(root, { skips, signal });
  const expression = expressionOf(input);
  const wanted = [fileFilter(input.glob), fileFilter(typeGlob(input.type))];
  const lines: string[] = [];
  let unread = 0;
  for (const name of [...walked.files].sort()) {
    signal.throwIfAborted();
    if (!isFile && !wanted.every((filter) => filter(name))) continue;
    const file = isFile ? root : path.join(root, name);
    const text = textOf(file);
    if (text === undefined) unread += 1;
    else if (text !== "") lines.push(...inTime(() => search(text, { input, file, expression }), file));
  }
  const note = "[ripgrep is not installed: .gitignore was not looked at, and the expression is JavaScript's]";
  const missed =
    unread > 0 ? [`[${unread} files could not be read or have more than ${FILE_LIMIT} bytes]`] : [];
  return { lines, notes: [note, ...missed, ...walkNotes(root, walked)] };
}

/** An expression may take longer than anybody lives; Node's only way to stop one is a script's time limit. */
function inTime<T>(run: () => T, file: string): T {
  try {
    return vm.runInNewContext("run()", { run }, { timeout: FILE_MS });
  } catch (error) {
    if (codeOf(error) !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new ToolFault(`The expression took more than ${FILE_MS} ms in "${file}". Use a simpler one.`);
  }
}

function expressionOf(input: GrepInput): RegExp {
  try {
    return new RegExp(input.pattern, `g${input["-i"] ? "i" : ""}${input.multiline ? "ms" : "m"}`);
  } catch (error) {
    throw new ToolFault(`The expression "${input.pattern}" cannot be read: ${error}`);
  }
}

function typeGlob(type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  const found = endings[type];
  if (found === undefined)
    throw new ToolFault(
      `The type "${type}" is unknown; there are: ${Object.keys(endings).join(", ")}. Or use \`glob\`.`,
    );
  return `*.{${found}}`;
}

function fileFilter(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const isNot = pattern.startsWith("!");
  const expression = globExpression(isNot ? pattern.slice(1) : pattern, { anyDepth: true });
  return (name) => expression.test(name) !== isNot;
}

/** Empty for a binary file, `undefined` for one that cannot be searched. */
function textOf(file: string): string | undefined {
  try {
    const bytes = readBoundedFile(file, { limitBytes: FILE_LIMIT, plainFile: true });
    if (bytes === undefined) return undefined;
    const encoding = encodingOf(bytes);
    return encoding === "binary" ? "" : decode(bytes, encoding);
  } catch {
    // Without permission, gone meanwhile, or a link: counted, and the search goes on.
    return undefined;
  }
}

function search(
  text: string,
  {
    input,
    file,
    expression,
  }: { readonly input: GrepInput; readonly file: string; readonly expression: RegExp },
): string[] {
  const mode = input.output_mode ?? "files_with_matches";
  const lines = text.replace(/\n$/, "").split("\n");
  const hits = input.multiline ? hitsOver(text, expression) : hitsWithin(lines, expression);
  if (hits.size === 0) return [];
  if (mode === "files_with_matches") return [file];
  if (mode === "count") return [`${file}:${hits.size}`];
  const before = input["-B"] ?? input["-C"] ?? 0;
  const after = input["-A"] ?? input["-C"] ?? 0;
  const near = new Set(
    [...hits].flatMap((hit) => range(hit - before, Math.min(hit + after, lines.length - 1))),
  );
  return [...near]
    .sort((a, b) => a - b)
    .flatMap((at, index, all) => {
      const sign = hits.has(at) ? ":" : "-";
      const number = input["-n"] === false ? "" : `${at + 1}${sign}`;
      const gap = before + after > 0 && index > 0 && all[index - 1] !== at - 1 ? ["--"] : [];
      return [...gap, `${file}${sign}${number}${shortened(lines[at] ?? "")}`];
    });
}

const shortened = (line: string) =>
  line.length <= 500 ? line : `${line.slice(0, 500)} [${line.length - 500} more characters in this line]`;

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - Math.max(0, from) + 1) }, (_, index) => Math.max(0, from) + index);

function hitsWithin(lines: readonly string[], expression: RegExp): Set<number> {
  return new Set(
    lines.flatMap((line, at) => {
      expression.lastIndex = 0;
      return expression.test(line) ? [at] : [];
    }),
  );
}

/** Every line that a match touches. */
function hitsOver(text: string, expression: RegExp): Set<number> {
  const hits = new Set<number>();
  const lineOf = (at: number) => text.slice(0, at).split("\n").length - 1;
  for (const match of text.matchAll(expression))
    for (const line of range(lineOf(match.index), lineOf(match.index + Math.max(0, match[0].length - 1))))
      hits.add(line);
  return hits;
}
