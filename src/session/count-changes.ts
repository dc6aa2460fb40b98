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
import { isWithin, opaqueFolders } from "../changes/index.ts";
import type { BytePath } from "../model/index.ts";
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
 * `cellfiles` is the program that is asked what only it can read. Counting stops where nobody reads the number any more.
 */
export function countChanges(layerFolder: string, cellfiles?: string, most = 100_000): number {
  const { folder: host, copyOwner } = readLayerRecord(layerFolder) ?? {};
  const upper = Buffer.from(upperOf(layerFolder));
  const open: Open[] = [{ folder: upper, beside: host === undefined ? undefined : Buffer.from(host) }];
  const merged: Open[] = [];
  let count = 0;
  for (let at = open.pop(); at !== undefined && count < most; at = open.pop()) {
    try {
      for (const entry of readdirSync(at.folder, { withFileTypes: true, encoding: "buffer" })) {
        const place = Buffer.concat([at.folder, slash, entry.name]);
        const beside = at.beside && Buffer.concat([at.beside, slash, entry.name]);
        const before = beside && lstatSync(beside, { throwIfNoEntry: false });
        if (isChange(entry, place, { beside, before })) count += 1;
        if (!entry.isDirectory()) continue;
        const inside = { folder: place, beside: before?.isDirectory() === true ? beside : undefined };
        open.push(inside);
        if (inside.beside !== undefined) merged.push(inside);
      }
    } catch {
      // A folder that the cell made unreadable: one change at least.
      count += 1;
    }
  }
  // In a layer that was made from a copy each name that is gone has a mark of its own.
  const mayHide = cellfiles !== undefined && copyOwner === undefined && count < most;
  return mayHide ? count + countHidden(cellfiles, upper, merged) : count;
}

/** What the person has in folders that the command took away and made anew. */
function countHidden(cellfiles: string, upper: Buffer, merged: readonly Open[]): number {
  const pathOf = ({ folder }: Open): BytePath => folder.subarray(upper.length + 1).toString("latin1");
  const opaque = opaqueFolders(cellfiles, upper.toString(), merged.map(pathOf));
  const isHiding = (path: BytePath) => [...opaque].some((one) => isWithin(path, one));
  return merged
    .filter((one) => opaque.size > 0 && isHiding(pathOf(one)))
    .reduce((sum, { folder, beside }) => sum + countMissing(folder, beside), 0);
}

/** Names that the person's folder has and this one of the layer does not. */
function countMissing(folder: Buffer, beside: Buffer | undefined): number {
  if (beside === undefined) return 0;
  try {
    const kept = new Set(readdirSync(folder, "latin1"));
    return readdirSync(beside, "latin1").filter((name) => !kept.has(name)).length;
  } catch {
    return 1;
  }
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
