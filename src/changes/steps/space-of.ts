import { lstatSync, readdirSync } from "node:fs";
import { codeOf } from "../../errors/index.ts";

const BLOCK_BYTES = 512;

/** Space that a folder takes on the disk, in bytes, each file once; what its owner shut against himself counts for nothing. */
export function spaceOf(folder: string): number {
  const seen = new Set<bigint>();
  const waiting: Buffer[] = [Buffer.from(folder)];
  let blocks = 0n;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const status = lstatSync(at, { bigint: true, throwIfNoEntry: false });
    if (status === undefined || seen.has(status.ino)) continue;
    if (status.nlink > 1n && !status.isDirectory()) seen.add(status.ino);
    blocks += status.blocks;
    if (status.isDirectory()) waiting.push(...insideOf(at));
  }
  return Number(blocks) * BLOCK_BYTES;
}

function insideOf(folder: Buffer): readonly Buffer[] {
  try {
    const slash = Buffer.from("/");
    return readdirSync(folder, { encoding: "buffer" }).map((name) => Buffer.concat([folder, slash, name]));
  } catch (error) {
    if (["EACCES", "ENOENT", "ENAMETOOLONG"].includes(codeOf(error) ?? "")) return [];
    throw error;
  }
}
