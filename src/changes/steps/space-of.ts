import { lstatSync, readdirSync } from "node:fs";
import { codeOf } from "../../errors/index.ts";

const BLOCK_BYTES = 512;

/** Space that a folder takes on the disk, in bytes, each file once; what its owner shut against himself, or nested too deep, counts for nothing. */
export function spaceOf(folder: string): number {
  const seen = new Set<bigint>();
  const waiting: Buffer[] = [Buffer.from(folder)];
  let blocks = 0n;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const status = unlessShut(() => lstatSync(at, { bigint: true, throwIfNoEntry: false }), undefined);
    if (status === undefined || seen.has(status.ino)) continue;
    if (status.nlink > 1n && !status.isDirectory()) seen.add(status.ino);
    blocks += status.blocks;
    if (status.isDirectory()) waiting.push(...insideOf(at));
  }
  return Number(blocks) * BLOCK_BYTES;
}

function insideOf(folder: Buffer): readonly Buffer[] {
  const slash = Buffer.from("/");
  const names = unlessShut(() => readdirSync(folder, { encoding: "buffer" }), []);
  return names.map((name) => Buffer.concat([folder, slash, name]));
}

function unlessShut<T, E>(look: () => T, otherwise: E): T | E {
  try {
    return look();
  } catch (error) {
    if (["EACCES", "ENOENT", "ENAMETOOLONG"].includes(codeOf(error) ?? "")) return otherwise;
    throw error;
  }
}
