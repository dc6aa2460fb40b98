import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import type { Settings } from "../model/index.ts";
import { canMakeDisks, makeDiskImage, runTool } from "./disk-image.ts";
import { withDiskLock } from "./disk-lock.ts";

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

/** Mount points at or below a folder, as the kernel writes them; the last mounted first. */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replace(/\\040/g, " "))
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
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

/** Makes a session's disk and mounts it: its home and tmp lie on it from now on. Throws WC_SESSION. */
export function createDisk({ folder, cacheFolder, bytes, uid }: NewDisk): void {
  try {
    makeDiskImage(imageOf(folder), cacheFolder, bytes);
    mountDisk(folder, uid);
  } catch (error) {
    removeDisk(folder);
    throw error;
  }
}

/** Mounts the disk of a session that is opened again, unless another cell of it has it mounted. */
export function attachDisk(folder: string, uid: number): void {
  if (!hasDisk(folder)) return;
  withDiskLock(folder, () => {
    if (mountsBelow(folder).length > parts.length) return;
    unmountAll(folder);
    mountDisk(folder, uid);
  });
}

/** Unmounts the disk of a session, unless another cell of it runs: `isUsed` is asked under the lock. */
export function detachDisk(folder: string, isUsed: () => boolean): void {
  if (!hasDisk(folder)) return;
  withDiskLock(folder, () => {
    if (!isUsed()) unmountAll(folder);
  });
}

/** Unmounts a session's disk and takes it away, with everything on it. */
export function removeDisk(folder: string): void {
  unmountAll(folder);
  rmSync(imageOf(folder), { force: true });
  rmSync(pointOf(folder), { recursive: true, force: true });
}

/** Unmounts the disks of sessions that no cell runs in: those of killed Workcells. `isUsed` knows a session by name. */
export function sweepDisks(sessions: string, isUsed: (name: string) => boolean): void {
  if (mountsBelow(sessions).length === 0) return;
  for (const name of readdirSync(sessions)) detachDisk(path.join(sessions, name), () => isUsed(name));
}
