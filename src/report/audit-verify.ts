import { access } from "node:fs/promises";
import type { AuditLine } from "../model/index.ts";
import { type ChainEnd, GENESIS, hashOf } from "./audit-chain.ts";
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

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Walks the whole chain, the older generation first. */
export async function verifyAudit(file: string): Promise<AuditVerdict> {
  let lines = 0;
  let refused = 0;
  let before: ChainEnd | undefined;
  let firstBroken: AuditVerdict["firstBroken"];
  let torn: AuditVerdict["torn"];
  for await (const entry of readAudit(file)) {
    const why = whyBroken(entry, before, entry.file !== file);
    if (why !== undefined && !entry.ended && entry.file === file) {
      torn = { file, line: entry.number, bytes: Buffer.byteLength(entry.text) };
      continue;
    }
    lines += 1;
    if (entry.line?.decision === "deny") refused += 1;
    if (why !== undefined) firstBroken ??= { file: entry.file, line: entry.number, why };
    before = entry.line ?? before;
  }
  return {
    lines,
    refused,
    intact: firstBroken === undefined,
    ...(firstBroken && { firstBroken }),
    ...(torn && { torn }),
    ...((await isThere(`${file}.torn`)) && { setAside: `${file}.torn` }),
  };
}
