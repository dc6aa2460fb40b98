import { createHash } from "node:crypto";
import type { BytePath, Entry } from "../model/index.ts";
import type { DeltaBody, DescribedChange, FileDelta } from "./describe-changes.ts";
import { gitBinary } from "./git-binary.ts";
import type { Hunk } from "./line-diff.ts";
import { quoteName } from "./quote-name.ts";
import { remarkOf } from "./remark.ts";
import type { Moved } from "./renames.ts";

/**
 * A change as `git apply` and `patch -p1` read it, one character a byte. What a patch cannot say (an empty folder, an
 * owner, a binary file whose content was not kept) stands in it as a line with "# " in front, which both pass over.
 */
export function patchOf(described: DescribedChange): string {
  const remark = remarkOf(described);
  const parts = described.files.map(filePatch);
  return (remark === "" ? "" : `# ${remark}\n`) + parts.join("");
}

function filePatch(file: FileDelta): string {
  const { path, before, after, body, renamedFrom } = file;
  if (renamedFrom !== undefined) return renamePatch(path, after, renamedFrom);
  const [was, is] = [gitMode(before), gitMode(after)];
  if (isUntold(body)) return "";
  const head = `diff --git ${headName("a/", path)} ${headName("b/", path)}\n${modeLines(was, is)}`;
  if (body.kind === "text") return head + linkIndex(file) + names(file) + body.hunks.map(hunkText).join("");
  if ((body.kind === "binary" || body.kind === "large") && body.content !== undefined) {
    const { content } = body;
    const index = `index ${blobName(content.before, before)}..${blobName(content.after, after)}${was === is ? ` ${is}` : ""}\n`;
    return head + index + gitBinary(content);
  }
  if (was === is) return "";
  return head + emptyIndex(file);
}

/** What the file contains is in no patch. */
export const isUntold = (body: DeltaBody): boolean =>
  (body.kind === "binary" || body.kind === "large") && body.content === undefined;

/** The same content under another name: git and patch move the file. */
function renamePatch(path: BytePath, after: Entry | undefined, from: Moved): string {
  return [
    `diff --git ${headName("a/", from.path)} ${headName("b/", path)}\n`,
    modeLines(gitMode(from.entry), gitMode(after)),
    "similarity index 100%\n",
    `rename from ${quoteName(from.path)}\nrename to ${quoteName(path)}\n`,
  ].join("");
}

function gitMode(entry: Entry | undefined): string | undefined {
  if (entry === undefined) return undefined;
  if (entry.type === "symlink") return "120000";
  return (entry.mode & 0o100) === 0 ? "100644" : "100755";
}

function modeLines(was: string | undefined, is: string | undefined): string {
  if (was === is) return "";
  if (was === undefined) return `new file mode ${is}\n`;
  if (is === undefined) return `deleted file mode ${was}\n`;
  return `old mode ${was}\nnew mode ${is}\n`;
}

const nothing = "0000000";
/** Git's name for a file without content, by which `patch` knows that one is to be made or taken away. */
const emptyBlob = "e69de29";

function emptyIndex({ before, after, body }: FileDelta): string {
  if (body.kind !== "none") return "";
  if (before === undefined) return `index ${nothing}..${emptyBlob}\n`;
  return after === undefined ? `index ${emptyBlob}..${nothing}\n` : "";
}

/** What tells `patch` that a symlink is meant, where no new or deleted mode says it. */
function linkIndex({ before, after }: FileDelta): string {
  if (before?.type !== "symlink" || after?.type !== "symlink") return "";
  const name = (entry: Entry) => blobName(Buffer.from(entry.target ?? "", "latin1"), entry);
  return `index ${name(before)}..${name(after)} 120000\n`;
}

function blobName(content: Uint8Array, entry: Entry | undefined): string {
  if (entry === undefined) return "0".repeat(40);
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

function names({ path, before, after }: FileDelta): string {
  const side = (prefix: string, entry: Entry | undefined) => {
    const name = entry === undefined ? "/dev/null" : sideName(prefix, path);
    // A tab ends a name with a space in it, which would end there otherwise.
    return entry !== undefined && path.includes(" ") ? `${name}\t` : name;
  };
  return `--- ${side("a/", before)}\n+++ ${side("b/", after)}\n`;
}

/** Two names stand in one line there, which `patch` cannot part where one has a space in it. */
function headName(prefix: string, path: string): string {
  const name = sideName(prefix, path);
  return name.includes(" ") && !name.startsWith('"') ? `"${name}"` : name;
}

function sideName(prefix: string, path: string): string {
  return quoteName(prefix + path);
}

function hunkText({ oldStart, oldLines, newStart, newLines, lines }: Hunk): string {
  const range = (start: number, count: number) => (count === 1 ? `${start}` : `${start},${count}`);
  const body = lines.map((line) => (line.endsWith("\n") ? line : `${line}\n\\ No newline at end of file\n`));
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@\n${body.join("")}`;
}
