import { statfsSync, statSync } from "node:fs";

/** Which folder it is, in decimal digits. */
export interface FolderIdentity {
  readonly device: string;
  readonly inode: string;
  /** When it was made, in ns; absent where the file system does not say. */
  readonly born?: string;
  /** Its file system never moves a birth. */
  readonly keepsBirth?: true;
}

/**
 * By the number that statfs says: ext4, XFS, btrfs, F2FS, tmpfs. An overlay moves the birth of a folder at the first change in it, exFAT that of
 * its top folder at each mount, and what others hand on from elsewhere nobody knows.
 */
const birthKeepers: readonly number[] = [0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x01021994];

/** Which folder stands at a path at this moment; a link is followed. */
export function folderIdentity(folder: string): FolderIdentity {
  const { dev, ino, birthtimeNs } = statSync(folder, { bigint: true });
  const identity = { device: `${dev}`, inode: `${ino}` };
  if (birthtimeNs <= 0n) return identity;
  const keepsBirth = birthKeepers.includes(statfsSync(folder).type);
  return { ...identity, born: `${birthtimeNs}`, ...(keepsBirth && { keepsBirth }) };
}

/**
 * True for one and the same folder. The kernel numbers some devices anew whenever they are mounted (btrfs, NFS, overlay, disks
 * that are found in another order): what is known from before a restart is then told by the folder's birth. So is a folder of another disk that
 * has the number of the known one's by now: the top folders of all disks have one inode.
 */
export function isSameFolder(known: FolderIdentity, now: FolderIdentity): boolean {
  if (known.inode !== now.inode) return false;
  if (known.born !== undefined && known.born === now.born) return true;
  if (known.device !== now.device) return false;
  return known.born === undefined || now.born === undefined || now.keepsBirth !== true;
}

/** The number that the device of a known folder has today; undefined when it is the known one, or another folder stands there. */
export function newDevice(folder: string, known: FolderIdentity): string | undefined {
  let now: FolderIdentity;
  try {
    now = folderIdentity(folder);
  } catch {
    // Who needs the folder meets that again, and says it.
    return undefined;
  }
  return now.device !== known.device && isSameFolder(known, now) ? now.device : undefined;
}
