import {
  closeSync,
  constants,
  type Dirent,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { readLayerRecord, upperOf } from "./layer-record.ts";

const slash = Buffer.from("/");
const permissions = 0o7777;
/** Larger files of one size count as changed without being read. */
const mostRead = 64 * 1024;

interface Open {
  /** A folder of the layer. */
  readonly folder: Buffer;
  /** The person's folder at the same place, where there is one. */
  readonly beside: Buffer | undefined;
}

/**
 * How many paths a layer makes different, as `diff` and `apply` count them: a new folder is one, and so is each thing in it;
 * a folder that is gone is one. Without opening the layer for review, so what only that tells counts as changed.
 * Counting stops where nobody reads the number any more.
 */
export function countChanges(layerFolder: string, most = 100_000): number {
  const host = readLayerRecord(layerFolder)?.folder;
  const open: Open[] = [
    { folder: Buffer.from(upperOf(layerFolder)), beside: host === undefined ? undefined : Buffer.from(host) },
  ];
  let count = 0;
  for (let at = open.pop(); at !== undefined && count < most; at = open.pop()) {
    try {
      for (const entry of readdirSync(at.folder, { withFileTypes: true, encoding: "buffer" })) {
        const place = Buffer.concat([at.folder, slash, entry.name]);
        const beside = at.beside && Buffer.concat([at.beside, slash, entry.name]);
        const before = beside && lstatSync(beside, { throwIfNoEntry: false });
        if (isChange(entry, place, { beside, before })) count += 1;
        if (entry.isDirectory())
          open.push({ folder: place, beside: before?.isDirectory() === true ? beside : undefined });
      }
    } catch {
      // A folder that the cell made unreadable: one change at least.
      count += 1;
    }
  }
  return count;
}

interface Beside {
  readonly beside: Buffer | undefined;
  readonly before: Stats | undefined;
}

function isChange(entry: Dirent<Buffer>, place: Buffer, { beside, before }: Beside): boolean {
  // What a layer says is gone stands in it as a device.
  if (entry.isCharacterDevice()) return before !== undefined;
  if (beside === undefined || before === undefined) return true;
  if (entry.isSymbolicLink())
    return !before.isSymbolicLink() || readlinkSync(place, "latin1") !== readlinkSync(beside, "latin1");
  const after = lstatSync(place);
  if ((after.mode & permissions) !== (before.mode & permissions)) return true;
  if (entry.isDirectory()) return !before.isDirectory();
  if (!entry.isFile() || !before.isFile() || after.size !== before.size) return true;
  return after.size > mostRead || !headOf(place).equals(headOf(beside));
}

function headOf(file: Buffer): Buffer {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(mostRead);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
