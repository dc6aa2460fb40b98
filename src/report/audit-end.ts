import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { codeOf } from "../errors/index.ts";
import type { ChainEnd } from "./audit-chain.ts";

/** Where the end of the chain is kept: without it nobody could tell a log that lost its last lines. */
export const endFile = (file: string) => `${file}.end`;

const { O_CREAT, O_WRONLY } = constants;
/** One length for all, so that it is written over in place: no disk is too full for that. */
const seqDigits = 16;

/** The last line that was written; undefined when that is not known. */
export async function readEnd(file: string): Promise<ChainEnd | undefined> {
  try {
    const handle = await open(endFile(file), "r");
    try {
      const text = Buffer.alloc(seqDigits + 66);
      const { bytesRead } = await handle.read(text, 0, text.length, 0);
      const [, seq, hash] = /^(\d{16}) ([0-9a-f]{64})\n$/.exec(text.toString("latin1", 0, bytesRead)) ?? [];
      return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Keeps the last line's number and hash, under the log's lock and after the line itself: a crash leaves an earlier end. */
export async function keepEnd(file: string, { seq, hash }: ChainEnd): Promise<void> {
  const handle = await open(endFile(file), O_WRONLY | O_CREAT, 0o600);
  try {
    await handle.write(`${String(seq).padStart(seqDigits, "0")} ${hash}\n`, 0);
  } finally {
    await handle.close();
  }
}

/** What the next line follows: what was written last, even where that is not there any more. */
export function followed(there: ChainEnd, kept: ChainEnd | undefined): ChainEnd {
  if (kept === undefined || kept.seq < there.seq) return there;
  return kept;
}
