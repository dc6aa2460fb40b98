import { closeSync, constants, fstatSync, openSync } from "node:fs";
import type { Entry } from "../../model/index.ts";

/** Linux's O_PATH, which Node has no name for: holds something without being able to read it. */
const pathOnly = 0o10000000;

/** Something that is held: its number belongs to nothing else as long. */
export interface Pin {
  release(): void;
}

/** Holds what stands at a path; undefined when that is not (any more) what was found there. */
export function pin(path: string, { device, inode }: Pick<Entry, "device" | "inode">): Pin | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, pathOnly | constants.O_NOFOLLOW);
  } catch {
    return undefined; // It went in the meantime.
  }
  const release = () => closeSync(descriptor);
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  if (dev === device && ino === inode) return { release };
  release();
  return undefined;
}
