import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { mergeText, type OpenLayer, shownPath } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import type { JudgedChange } from "../../model/index.ts";
import { replaceInLayer } from "../../session/index.ts";
import type { CommandContext } from "../command.ts";
import { canAsk } from "./ask.ts";

const MARKER = /^(<{7}|={7}|>{7})/m;
const MOST_BYTES = 8 * 1024 * 1024;

async function textAt(open: OpenLayer, change: JudgedChange, root: number): Promise<string | undefined> {
  const entry = root === open.roots.host ? change.before : change.after;
  if (entry?.type !== "file" || entry.size > MOST_BYTES) return undefined;
  const parts: Buffer[] = [];
  for (let offset = 0; offset < entry.size; ) {
    const part = await open.server.read({ root, path: change.path }, offset, 1024 * 1024);
    if (part.length === 0) break;
    parts.push(Buffer.from(part));
    offset += part.length;
  }
  const bytes = Buffer.concat(parts);
  return bytes.includes(0) ? undefined : bytes.toString("latin1");
}

const editorOf = ({ env }: CommandContext): string => env["VISUAL"] || env["EDITOR"] || "vi";

/** What the editor left, or why it counts for nothing. */
type Edited = { readonly text: string } | { readonly why: string };

/**
 * The person's editor on a file of our own. It starts in that file's folder, outside every connected one: some editors
 * obey files that lie where they are started.
 */
function edit(text: string, name: string, context: CommandContext): Edited {
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-merge-"));
  const file = path.join(
    folder,
    path
      .basename(name)
      .replace(/[^\w.-]/g, "_")
      .replace(/^\./, "_") || "merged",
  );
  try {
    writeFileSync(file, Buffer.from(text, "latin1"), { mode: 0o600 });
    const { status, signal } = spawnSync("/bin/sh", ["-c", `${editorOf(context)} "$1"`, "sh", file], {
      cwd: folder,
      env: context.env,
      stdio: "inherit",
    });
    if (status !== 0) return { why: `the editor "${editorOf(context)}" ended with ${status ?? signal}` };
    const edited = readFileSync(file, "latin1");
    return MARKER.test(edited) ? { why: "there are markers in it still" } : { text: edited };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cannotMerge(change: JudgedChange, why: string): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot merge "${shownPath(change.path)}": ${why}`,
    remedy: "Decide for one of the two: --take theirs, or --take ours",
  });
}

interface Both {
  readonly change: JudgedChange;
  readonly ours: string;
  readonly theirs: string;
}

/** All are read before the first is edited: nobody's work in an editor is lost to the next one. */
async function readBoth(
  open: OpenLayer,
  conflicts: readonly JudgedChange[],
  context: CommandContext,
): Promise<readonly Both[]> {
  const all: Both[] = [];
  for (const change of conflicts) {
    const ours = await textAt(open, change, open.roots.host);
    const theirs = await textAt(open, change, open.roots.layer);
    if (ours === undefined || theirs === undefined)
      throw cannotMerge(change, "both versions must be text, and files of at most 8 MiB");
    if (mergeText({ ours, theirs }).conflicts > 0 && !canAsk(context))
      throw cannotMerge(change, "that needs an editor, and this is no terminal");
    all.push({ change, ours, theirs });
  }
  return all;
}

/** Lets the person merge each conflict in their editor; resolves to those that are merged, as they are now. */
export async function mergeByHand(
  open: OpenLayer,
  conflicts: readonly JudgedChange[],
  context: CommandContext,
): Promise<readonly JudgedChange[]> {
  const merged: JudgedChange[] = [];
  for (const { change, ours, theirs } of await readBoth(open, conflicts, context)) {
    const { text, conflicts: marks } = mergeText({ ours, theirs });
    const edited = marks === 0 ? { text } : edit(text, change.path, context);
    if ("why" in edited) {
      context.stderr.write(`workcell: ${shownPath(change.path)} waits on: ${edited.why}\n`);
      continue;
    }
    const mtimeNs = replaceInLayer(open.upper, change.path, Buffer.from(edited.text, "latin1"));
    merged.push({ ...change, ...(change.after && { after: { ...change.after, mtimeNs } }) });
  }
  return merged;
}
