import { statSync } from "node:fs";

/** Which folder it is, in decimal digits. */
export interface FolderIdentity {
  readonly device: string;
  readonly inode: string;
  /** When it was made, in ns; absent where the file system does not say. */
  readonly born?: string;
}

/** Which folder stands at a path at this moment; a link is followed. */
export function folderIdentity(folder: string): FolderIdentity {
  const { dev, ino, birthtimeNs } = statSync(folder, { bigint: true });
  return { device: `${dev}`, inode: `${ino}`, ...(birthtimeNs > 0n && { born: `${birthtimeNs}` }) };
}

/**
 * True for one and the same folder. The kernel numbers some devices anew whenever they are mounted (btrfs, NFS, overlay, disks
 * that are found in another order): what is known from before a restart is then told by the folder's birth.
 */
export function isSameFolder(known: FolderIdentity, now: FolderIdentity): boolean {
  if (known.inode !== now.inode) return false;
  return known.device === now.device || (known.born !== undefined && known.born === now.born);
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
