import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { mergeText, type OpenLayer, shownPath } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import type { JudgedChange } from "../../model/index.ts";
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

function editorOf({ env }: CommandContext): string {
  return env["VISUAL"] ?? env["EDITOR"] ?? "vi";
}

/** The person's editor on a file of our own, outside every connected folder. Undefined: they left markers in it. */
function edit(text: string, name: string, context: CommandContext): string | undefined {
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-merge-"));
  const file = path.join(folder, path.basename(name).replace(/[^\w.-]/g, "_") || "merged");
  try {
    writeFileSync(file, Buffer.from(text, "latin1"), { mode: 0o600 });
    const done = spawnSync("/bin/sh", ["-c", `${editorOf(context)} "$1"`, "sh", file], {
      env: context.env,
      stdio: "inherit",
    });
    const edited = readFileSync(file, "latin1");
    return done.status !== 0 || MARKER.test(edited) ? undefined : edited;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts the merged text where the session's version stands: no cell runs, so nobody else writes there. */
function writeMerged(upper: string, change: JudgedChange, text: string): void {
  const place = Buffer.concat([Buffer.from(`${upper}/`), Buffer.from(change.path, "latin1")]);
  const fd = openSync(place, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, Buffer.from(text, "latin1"));
  } finally {
    closeSync(fd);
  }
}

function cannotMerge(change: JudgedChange, why: string): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot merge "${shownPath(change.path)}": ${why}`,
    remedy: "Decide for one of the two: --take theirs, or --take ours",
  });
}

/** Lets the person merge each conflict in their editor; resolves to those that are merged. */
export async function mergeByHand(
  open: OpenLayer,
  conflicts: readonly JudgedChange[],
  context: CommandContext,
): Promise<readonly JudgedChange[]> {
  const merged: JudgedChange[] = [];
  for (const change of conflicts) {
    const ours = await textAt(open, change, open.roots.host);
    const theirs = await textAt(open, change, open.roots.layer);
    if (ours === undefined || theirs === undefined) throw cannotMerge(change, "both versions must be text");
    const { text, conflicts: marks } = mergeText({ ours, theirs });
    if (marks > 0 && !canAsk(context))
      throw cannotMerge(change, "that needs an editor, and this is no terminal");
    const whole = marks === 0 ? text : edit(text, change.path, context);
    if (whole === undefined) {
      context.stderr.write(`workcell: ${shownPath(change.path)} has markers in it still, and waits on\n`);
      continue;
    }
    writeMerged(open.upper, change, whole);
    merged.push(change);
  }
  return merged;
}
