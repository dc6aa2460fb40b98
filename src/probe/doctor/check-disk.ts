import { existsSync } from "node:fs";
import { mkdtemp, open, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import type { Check, Examination, Finding } from "./examination.ts";

const gigabyte = 1e9;
const wantedBytes = 10 * gigabyte;
const leastBytes = 0.5 * gigabyte;

function nearestFolder(folder: string): string {
  return existsSync(folder) || folder === "/" ? folder : nearestFolder(path.dirname(folder));
}

/** Really writes: a full quota or a read-only mount does not show in the free space. */
async function writeSome(folder: string): Promise<void> {
  const scratch = await mkdtemp(path.join(folder, ".workcell-doctor-"));
  try {
    const file = await open(path.join(scratch, "block"), "wx", 0o600);
    try {
      await file.write(Buffer.alloc(1024 * 1024, 1));
    } finally {
      await file.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Judges the free space of the folder that sessions are kept in. */
export function judgeSpace(folder: string, freeBytes: number): Finding {
  const found = `disk: ${(freeBytes / gigabyte).toFixed(1)} GB free below ${folder}`;
  const remedy = `Free some space below ${folder}, or set XDG_STATE_HOME to a folder with more`;
  if (freeBytes < leastBytes) return { status: "missing", found, remedy };
  return freeBytes < wantedBytes ? { status: "weaker", found, remedy } : { status: "ok", found };
}

async function examine({ env, home }: Examination): Promise<Finding> {
  const state = stateFolder(env, home);
  const folder = nearestFolder(state);
  try {
    await writeSome(folder);
    const { bavail, bsize } = await statfs(folder);
    return judgeSpace(folder, bavail * bsize);
  } catch (error) {
    return {
      status: "missing",
      found: `disk: ${folder} cannot be written to (${codeOf(error)})`,
      remedy: "Set XDG_STATE_HOME to a folder that can be written to",
    };
  }
}

/** Disk: a block is written where sessions are kept, and the space beside it counted. */
export const checkDisk: Check = {
  id: "disk",
  title: "disk",
  needed: "10 GB free where sessions are kept",
  without: "A session fills the disk before it reaches its own limit; below 0.5 GB none should start",
  examine,
};
