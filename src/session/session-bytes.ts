import { lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import { type KnownSession, stepsOf } from "./find-sessions.ts";

/** What a folder takes on the disk, in bytes. */
export function bytesIn(folder: string): number {
  let bytes = 0;
  const open = [Buffer.from(folder)];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of readQuietly(at)) {
      const place = Buffer.concat([at, Buffer.from("/"), entry.name]);
      if (entry.isDirectory()) open.push(place);
      else bytes += blocksOf(place) * 512;
    }
  }
  return bytes;
}

/** What a session takes on the disk, and how much of it is kept for undo, in bytes. A disk of its own counts by what is in its file. */
export function sessionBytes({ folder }: KnownSession): { readonly all: number; readonly steps: number } {
  return { all: bytesIn(folder), steps: bytesIn(stepsOf(folder)) };
}

/** What one step keeps, in bytes. */
export const stepBytes = ({ folder }: KnownSession, number: number): number =>
  bytesIn(path.join(stepsOf(folder), String(number), "kept"));

/** Nested too deep, it cannot be looked at. */
function blocksOf(place: Buffer): number {
  try {
    return lstatSync(place, { throwIfNoEntry: false })?.blocks ?? 0;
  } catch {
    return 0;
  }
}

/** What a cell shut for its own owner is not counted, and what goes meanwhile neither. */
function readQuietly(folder: Buffer) {
  try {
    return readdirSync(folder, { withFileTypes: true, encoding: "buffer" });
  } catch {
    return [];
  }
}
