import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import { isInside } from "../lib/is-inside.ts";
import type { Settings } from "../model/index.ts";
import { canMakeDisks, makeDiskImage, runTool } from "./disk-image.ts";
import { withSessionLock } from "./session-lock.ts";

/** The parts of a session that lie on its disk, with their permissions. */
const parts = [
  ["home", 0o700],
  ["tmp", 0o1777],
] as const;

const imageOf = (folder: string) => path.join(folder, "disk.ext4");
const pointOf = (folder: string) => path.join(folder, "disk");

/**
 * True when a session is to have a disk of its own: it costs some tens of ms, which a session that stays is worth.
 * Others are watched: a mount would outlive a Workcell that is killed, until the next one sweeps.
 */
export function wantsDisk(settings: Settings, uid: number): boolean {
  const waived = settings.waive?.some(({ value }) => value === "disk") === true;
  return settings.session !== undefined && !waived && canMakeDisks(uid);
}

/** True when the session was made with a disk. */
export const hasDisk = (folder: string): boolean => existsSync(imageOf(folder));

/** Size of the disk that a session was made with, in bytes. */
export const diskSize = (folder: string): number => statSync(imageOf(folder)).size;

const mountTable = "/proc/self/mountinfo";

/** Mount points at or below a folder, as the kernel writes them; the last mounted first. */
function mountsBelow(folder: string, table = readFileSync(mountTable, "utf8")): readonly string[] {
  // The usual case, and the table of a busy host is long: a session's name is written there as it is.
  if (!table.includes(path.basename(folder))) return [];
  return table
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((point) => isInside(point, folder))
    .reverse();
}

function mountDisk(folder: string, uid: number): void {
  const point = pointOf(folder);
  mkdirSync(point, { recursive: true, mode: 0o700 });
  // The loop device goes by itself with its mount: nothing is left of it, however Workcell ends.
  runTool("mount", ["-t", "ext4", "-o", "loop,nosuid,nodev,noatime", imageOf(folder), point]);
  for (const [name, mode] of parts) {
    const inside = path.join(point, name);
    if (!existsSync(inside)) {
      mkdirSync(inside);
      chmodSync(inside, mode);
      chownSync(inside, uid, uid);
    }
    runTool("mount", ["--bind", inside, path.join(folder, name)]);
  }
}

/** Takes the mounts away, innermost first; one that is busy goes when its last user does. */
function unmountAll(folder: string): void {
  const points = mountsBelow(folder);
  if (points.length === 0) return;
  try {
    runTool("umount", ["--", ...points]);
  } catch {
    const left = mountsBelow(folder);
    if (left.length > 0) runTool("umount", ["-l", "--", ...left]);
  }
}

interface NewDisk {
  /** The session's folder, with its empty `home` and `tmp`. */
  readonly folder: string;
  readonly cacheFolder: string;
  readonly bytes: number;
  readonly uid: number;
}

/** Makes a session's disk and mounts it: its home and tmp lie on it from now on. The caller holds the session's lock. Throws WC_SESSION. */
export function createDisk({ folder, cacheFolder, bytes, uid }: NewDisk): void {
  try {
    makeDiskImage(imageOf(folder), cacheFolder, bytes);
    mountDisk(folder, uid);
  } catch (error) {
    removeDisk(folder);
    throw error;
  }
}

/** Mounts the disk of a session that is opened again, unless another cell of it has it mounted. The caller holds the session's lock. */
export function attachDisk(folder: string, uid: number): void {
  if (!hasDisk(folder) || mountsBelow(folder).length > parts.length) return;
  unmountAll(folder);
  mountDisk(folder, uid);
}

/** Unmounts the disk of a session. The caller holds the session's lock, and no cell of the session runs. */
export function detachDisk(folder: string): void {
  if (hasDisk(folder)) unmountAll(folder);
}

/** Unmounts a session's disk and takes it away, with everything on it. The caller holds the session's lock. */
export function removeDisk(folder: string): void {
  unmountAll(folder);
  rmSync(imageOf(folder), { force: true });
  try {
    // Only the empty mount point: whatever is still mounted must not be emptied.
    rmdirSync(pointOf(folder));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/**
 * Sessions with a disk that is mounted and no cell that runs: those of killed Workcells, whatever else is left of the
 * session. `table` is the kernel's of mounts, which takes milliseconds to read while a cell is being built; `isUsed` knows
 * a session by name.
 */
export function strayDisks(
  state: string,
  table: string,
  isUsed: (name: string) => boolean,
): readonly string[] {
  const sessions = path.join(state, "sessions");
  const mounted = mountsBelow(sessions, table).map(
    (point) => path.relative(sessions, point).split("/")[0] ?? "",
  );
  return [...new Set(mounted)].filter((name) => name !== "" && !isUsed(name));
}

/** Unmounts the disks of those sessions that are still unused. */
export function detachStray(
  state: string,
  names: readonly string[],
  isUsed: (name: string) => boolean,
): void {
  for (const name of names) {
    withSessionLock(state, name, () => {
      if (!isUsed(name)) unmountAll(path.join(state, "sessions", name));
    });
  }
}
