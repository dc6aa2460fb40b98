import { createHash } from "node:crypto";
import type { AuditEvent, AuditLine } from "../model/index.ts";

/** `prev` of the very first line. */
export const GENESIS = "0".repeat(64);

/** Where a chain stands: what the next line has to follow. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

/** JSON with sorted keys and no white space: one spelling for one value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(",")}}`;
}

/** SHA-256 over the canonical JSON of the line without `hash`. */
export function hashOf(line: Omit<AuditLine, "hash">): string {
  const { hash: _, ...content } = line as AuditLine;
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

/** Chains one event on: the line as it is written. */
export function sealEvent(event: AuditEvent, time: string, end: ChainEnd): AuditLine {
  const { session, cell, kind, decision, layer, rule, origin, subject, ...rest } = event;
  const named = { session, cell, kind, decision, layer, rule, origin, subject };
  const line = { seq: end.seq + 1, time, ...named, ...rest, prev: end.hash };
  return { ...line, hash: hashOf(line) };
}

const isHash = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

/** Reads one line of the log; undefined when it is not one. Says nothing about the chain. */
export function parseAuditLine(text: string): AuditLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A line that is no JSON is an answer here, and verifyAudit() says so.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const line = value as Partial<Record<keyof AuditLine, unknown>>;
  const texts = [line.time, line.session, line.cell, line.decision, line.subject, line.rule, line.origin];
  const whole = texts.every((part) => typeof part === "string") && Number.isSafeInteger(line.seq);
  return whole && isHash(line.prev) && isHash(line.hash) ? (line as AuditLine) : undefined;
}
