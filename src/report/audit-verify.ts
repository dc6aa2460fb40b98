import { access } from "node:fs/promises";
import type { AuditLine } from "../model/index.ts";
import { type ChainEnd, GENESIS, hashOf } from "./audit-chain.ts";
import { readEnd } from "./audit-end.ts";
import { type AuditEntry, readAudit } from "./audit-read.ts";

/** What a check of the whole chain found. */
export interface AuditVerdict {
  /** Lines in the log, the older generation included. */
  readonly lines: number;
  /** How many of them are refusals. */
  readonly refused: number;
  readonly intact: boolean;
  readonly firstBroken?: { readonly file: string; readonly line: number; readonly why: string };
  /** Remains of a crash at the end, which the next run sets aside; they break nothing. */
  readonly torn?: { readonly file: string; readonly line: number; readonly bytes: number };
  /** Where the remains of earlier crashes are kept. */
  readonly setAside?: string;
}

function whyNotNext(line: AuditLine, before: ChainEnd): string | undefined {
  const kept = `line ${before.seq} of the chain`;
  if (line.seq !== before.seq + 1)
    return `it has number ${line.seq}, and ${before.seq + 1} was due after ${kept}`;
  return line.prev === before.hash
    ? undefined
    : `it does not follow ${kept}: that line's hash is another one`;
}

/** The log's first line must begin the chain, except where an older generation has been dropped. */
function whyNotFirst(line: AuditLine, isOlder: boolean): string | undefined {
  if (line.seq === 1) return line.prev === GENESIS ? undefined : "it is number 1, and follows another line";
  return isOlder ? undefined : `it has number ${line.seq}, and the lines before it are not there`;
}

function whyBroken(entry: AuditEntry, before: ChainEnd | undefined, isOlder: boolean): string | undefined {
  const { line, text } = entry;
  if (line === undefined) return "it is no audit line";
  if (JSON.stringify(line) !== text) return "it is not spelled as Workcell writes it";
  if (hashOf(line) !== line.hash) return "its content does not match its hash";
  return before === undefined ? whyNotFirst(line, isOlder) : whyNotNext(line, before);
}

/** SECURITY(P13): what was cut off the end leaves a chain that fits, and so does one that was made anew. */
function whyNotWritten(line: AuditLine, kept: ChainEnd | undefined): string | undefined {
  return kept?.seq !== line.seq || kept.hash === line.hash
    ? undefined
    : `it is not what was written as number ${line.seq}`;
}

function whyCut(last: ChainEnd | undefined, kept: ChainEnd | undefined): string | undefined {
  return kept === undefined || kept.seq <= (last?.seq ?? 0)
    ? undefined
    : `it is not there: number ${kept.seq} of the chain was the last that was written`;
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Walks the whole chain, the older generation first. */
export async function verifyAudit(file: string): Promise<AuditVerdict> {
  // Asked before the lines are read: more may be written meanwhile, and no fewer.
  const kept = await readEnd(file);
  let place = { file, line: 0 };
  let lines = 0;
  let refused = 0;
  let before: ChainEnd | undefined;
  let firstBroken: AuditVerdict["firstBroken"];
  let torn: AuditVerdict["torn"];
  for await (const entry of readAudit(file)) {
    const why =
      whyBroken(entry, before, entry.file !== file) ?? (entry.line && whyNotWritten(entry.line, kept));
    if (why !== undefined && !entry.ended && entry.file === file) {
      torn = { file, line: entry.number, bytes: Buffer.byteLength(entry.text) };
      continue;
    }
    lines += 1;
    if (entry.line?.decision === "deny") refused += 1;
    if (why !== undefined) firstBroken ??= { file: entry.file, line: entry.number, why };
    before = entry.line ?? before;
    place = { file: entry.file, line: entry.number };
  }
  const cut = whyCut(before, kept);
  if (cut !== undefined) firstBroken ??= { ...place, line: place.line + 1, why: cut };
  return {
    lines,
    refused,
    intact: firstBroken === undefined,
    ...(firstBroken && { firstBroken }),
    ...(torn && { torn }),
    ...((await isThere(`${file}.torn`)) && { setAside: `${file}.torn` }),
  };
}
