import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { LimitName } from "../model/index.ts";

/** Reads a file of a process that may be ending; undefined when it has ended or may not be looked at. */
export function readOfProcess(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}

/**
 * Folders of all processes of a cell, as its own /proc lists them: one look, however many processes the host has, and
 * none is missed that is just being handed to another parent. Undefined when the cell has ended.
 */
export function processesOf(rootPid: number): readonly string[] | undefined {
  const proc = `/proc/${rootPid}/root/proc`;
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map((name) => `${proc}/${name}`);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** Throws WC_HOST where the processes of a cell may not be looked into: no limit of it can be watched then. */
export function requireSight(rootPid: number, limits: readonly LimitName[]): void {
  try {
    processesOf(rootPid);
  } catch (cause) {
    if (codeOf(cause) !== "EACCES" && codeOf(cause) !== "EPERM") throw cause;
    const waived = limits.map((name) => `--waive ${name}`).join(" ");
    throw new WorkcellError("WC_HOST", {
      message: `Cannot hold the ${limits.length === 1 ? "limit" : "limits"} of ${limits.join(" and ")}: the kernel holds nothing of the kind here, and the cell's processes may not be looked into (root of a container without CAP_SYS_PTRACE)`,
      remedy: `Give the container that capability (--cap-add SYS_PTRACE), run Workcell as an ordinary user of it, or do without: workcell run ${waived}`,
      cause,
    });
  }
}

/** An open file without a name: nothing that walks folders can see what it holds. */
export interface NamelessFile {
  readonly device: number;
  readonly bytes: number;
  readonly isMemory: boolean;
}

function namelessFile(link: string): (NamelessFile & { readonly key: string }) | undefined {
  try {
    const target = readlinkSync(link);
    const isMemory = target.startsWith("/memfd:");
    if (!isMemory && !target.endsWith(" (deleted)")) return undefined;
    const { dev, ino, blocks } = statSync(link);
    return { key: `${dev}:${ino}`, device: dev, bytes: blocks * 512, isMemory };
  } catch {
    return undefined; // It has just been closed.
  }
}

function descriptorsOf(folder: string): readonly string[] {
  try {
    return readdirSync(`${folder}/fd`).map((name) => `${folder}/fd/${name}`);
  } catch {
    return []; // It has just ended.
  }
}

/** Files that the processes hold open and that no folder has any more, each once: memfds, and deleted files. */
export function namelessFiles(folders: readonly string[]): readonly NamelessFile[] {
  const found = new Map<string, NamelessFile>();
  for (const link of folders.flatMap(descriptorsOf)) {
    const file = namelessFile(link);
    if (file !== undefined) found.set(file.key, file);
  }
  return [...found.values()];
}
