import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { mergeText, type OpenLayer, shownPath } from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
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

type Both = { readonly ours: string; readonly theirs: string };

/** Both versions, or why they cannot be merged. */
async function readBoth(
  open: OpenLayer,
  change: JudgedChange,
  context: CommandContext,
): Promise<Both | { readonly why: string }> {
  const ours = await textAt(open, change, open.roots.host);
  const theirs = await textAt(open, change, open.roots.layer);
  if (ours === undefined || theirs === undefined)
    return { why: "both versions must be text, of at most 8 MiB: --take theirs, or --take ours" };
  if (mergeText({ ours, theirs }).conflicts > 0 && !canAsk(context))
    return { why: "that needs an editor, and this is no terminal" };
  return { ours, theirs };
}

async function mergeOne(open: OpenLayer, change: JudgedChange, context: CommandContext): Promise<Edited> {
  const both = await readBoth(open, change, context);
  if ("why" in both) return both;
  const { text, conflicts } = mergeText(both);
  return conflicts === 0 ? { text } : edit(text, change.path, context);
}

/** Lets the person merge each conflict in their editor; resolves to those that are merged, as they are now. What is not is said. */
export async function mergeByHand(
  open: OpenLayer,
  conflicts: readonly JudgedChange[],
  context: CommandContext,
): Promise<readonly JudgedChange[]> {
  const merged: JudgedChange[] = [];
  for (const change of conflicts) {
    const edited = await mergeOne(open, change, context);
    if ("why" in edited) {
      context.stderr.write(`workcell: ${shownPath(change.path)} is not merged: ${printable(edited.why)}\n`);
      continue;
    }
    const mtimeNs = replaceInLayer(open.upper, change.path, Buffer.from(edited.text, "latin1"));
    merged.push({ ...change, ...(change.after && { after: { ...change.after, mtimeNs } }) });
  }
  return merged;
}
