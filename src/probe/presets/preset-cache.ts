import type { PresetFacts, PresetName } from "../../model/index.ts";
import { readOwnFile, writeCache } from "../cache-file.ts";

/** An answer that was kept. `files` are those that only the tool could name. */
export interface Kept {
  readonly fingerprint: string;
  readonly files: readonly string[];
  /** The programs that were asked, under both their names. */
  readonly programs: readonly string[];
  readonly facts: PresetFacts;
}

export type PresetCache = Readonly<Partial<Record<PresetName, Kept>>>;

const schema = "workcell.presets/1";

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isKept(name: string, value: unknown): value is Kept {
  if (!isRecord(value) || typeof value["fingerprint"] !== "string" || !areTexts(value["files"])) return false;
  if (!areTexts(value["programs"])) return false;
  const facts = value["facts"];
  if (!isRecord(facts) || facts["preset"] !== name || facts["found"] !== true) return false;
  const environment = facts["environment"];
  if (!areTexts(facts["hosts"]) || !isRecord(environment) || !areTexts(Object.values(environment)))
    return false;
  return facts["proxy"] === undefined || typeof facts["proxy"] === "string";
}

/** Reads what is kept; whatever is damaged or of another form counts as absent. */
export function readPresetCache(file: string): PresetCache {
  try {
    const content: unknown = JSON.parse(readOwnFile(file));
    if (!isRecord(content) || content["schema"] !== schema || !isRecord(content["entries"])) return {};
    const entries = Object.entries(content["entries"]).filter(([name, value]) => isKept(name, value));
    return Object.fromEntries(entries);
  } catch {
    return {}; // a cache is only ever a shortcut: the tools are asked again
  }
}

/** Replaces the cache in one step. */
export function writePresetCache(file: string, entries: PresetCache): void {
  writeCache(file, { schema, entries });
}
