import {
  appendFileSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import { readAudit } from "../report/index.ts";
import { execFurther } from "./exec-further.ts";
import { liveCells } from "./exec-live.ts";
import type { KnownSession } from "./find-sessions.ts";
import type { RunRequest } from "./request.ts";
import { startCell } from "./run-once.ts";

/** Where agents keep what was said, below a home. */
const transcripts = [
  ".workcell-agent",
  ".claude/projects",
  ".codex/sessions",
  ".gemini/tmp",
  ".local/share/opencode",
];

/** What of a session is written down. */
export interface Exported {
  /** Files of Workcell's own records. */
  readonly records: number;
  /** Lines of the audit log. */
  readonly auditLines: number;
  /** Archives of what lies in the home: `transcript.tar`, `home.tar`. */
  readonly archives: readonly string[];
  /** Why there is no archive, where one could be wanted. */
  readonly without?: string;
}

export interface ExportInput {
  /** Workcell's state folder. */
  readonly state: string;
  readonly session: KnownSession;
  /** Must not exist. */
  readonly to: string;
  /** The whole home too. */
  readonly home: boolean;
  /** What a cell is started with that archives the home. */
  readonly request: Omit<RunRequest, "flags" | "command" | "stdio">;
}

const isNotThere = (error: unknown) => codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}

/** Whole records of a session; the last one says with which agent it was talked last, and how that one calls the conversation. */
const recordNames = ["session.json", "flags.json", "conversation.json"];

/** Workcell's own records of a session, by their paths below its folder: nothing that a cell wrote is among them. */
function recordsOf({ folder }: KnownSession): readonly string[] {
  const cells = namesIn(path.join(folder, "cells")).flatMap((cell) =>
    ["plan.json", "outcome.json", "asked.json"].map((name) => path.join("cells", cell, name)),
  );
  const steps = namesIn(path.join(folder, "steps")).map((step) => path.join("steps", step, "journal.json"));
  return [...recordNames, ...cells, ...steps].filter((name) => existsSync(path.join(folder, name)));
}

function copyRecords({ session, to }: ExportInput): number {
  const records = recordsOf(session);
  for (const name of records) {
    mkdirSync(path.dirname(path.join(to, name)), { recursive: true, mode: 0o700 });
    copyFileSync(path.join(session.folder, name), path.join(to, name), constants.COPYFILE_EXCL);
  }
  return records.length;
}

async function copyAudit({ state, session, to }: ExportInput): Promise<number> {
  let lines = 0;
  for await (const { line, text } of readAudit(path.join(state, "audit.jsonl"))) {
    if (line?.session !== session.name) continue;
    appendFileSync(path.join(to, "audit.jsonl"), `${text}\n`, { mode: 0o600 });
    lines += 1;
  }
  return lines;
}

/** Ends with 3 when none of the paths is there. */
const archive =
  'cd || exit 2; for d do shift; [ -e "$d" ] && set -- "$@" "$d"; done; [ $# -gt 0 ] || exit 3; exec tar -cf - -- "$@"';
const NOTHING_THERE = 3;

/**
 * SECURITY(P1): what lies in a home is a cell's, with links to wherever it pleased; so a cell reads it, and Workcell,
 * which may be root, does not.
 */
async function archiveInCell(
  { state, session, request }: ExportInput,
  command: readonly string[],
  descriptor: number,
): Promise<number> {
  const live = liveCells(state, session.name).find(({ socket }) => socket !== undefined);
  if (live?.socket !== undefined) {
    const cell = { ...live, socket: live.socket };
    const { installation } = request;
    const stdio = ["ignore", descriptor, "inherit"] as const;
    return (await execFurther({ cell, installation, command, stdio }).ended).exitCode;
  }
  const flags = { session: session.name };
  const running = await startCell({
    ...request,
    cwd: "/",
    flags: { ...flags, allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] },
    command,
    stdio: ["ignore", descriptor, "inherit"],
  });
  return (await running.outcome).exitCode;
}

async function writeArchive(input: ExportInput, name: string, paths: readonly string[]): Promise<boolean> {
  const file = path.join(input.to, name);
  const descriptor = openSync(file, "wx", 0o600);
  try {
    const code = await archiveInCell(input, ["sh", "-c", archive, "sh", ...paths], descriptor);
    if (code === 0) return true;
    rmSync(file);
    if (code === NOTHING_THERE) return false;
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot archive the home of session "${input.session.name}": tar ended with ${code} in its cell`,
      remedy: `See what it says: workcell run --session ${input.session.name} tar -cf /dev/null .`,
    });
  } finally {
    closeSync(descriptor);
  }
}

async function writeArchives(input: ExportInput): Promise<Pick<Exported, "archives" | "without">> {
  const { session } = input;
  if (!session.open) return { archives: [], without: "it has ended, and its home is gone" };
  const wanted: readonly (readonly [string, readonly string[]])[] = [
    ["transcript.tar", transcripts],
    ...(input.home ? [["home.tar", ["."]] as const] : []),
  ];
  const archives: string[] = [];
  for (const [name, paths] of wanted) if (await writeArchive(input, name, paths)) archives.push(name);
  return { archives };
}

/** Writes what is recorded of a session to a new folder: records, audit lines, transcripts, the home where it is wanted. */
export async function exportSession(input: ExportInput): Promise<Exported> {
  const { to, session } = input;
  try {
    mkdirSync(to, { mode: 0o700 });
  } catch (cause) {
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot export session "${session.name}" to "${printable(to)}": ${codeOf(cause) === "EEXIST" ? "it exists, and must not" : String(codeOf(cause))}`,
      remedy: "Name a folder that does not exist, in one that does and that you may write to",
      cause,
    });
  }
  try {
    const records = copyRecords(input);
    const auditLines = await copyAudit(input);
    return { records, auditLines, ...(await writeArchives(input)) };
  } catch (error) {
    // Half of it would be taken for the whole.
    rmSync(to, { recursive: true, force: true });
    throw error;
  }
}
