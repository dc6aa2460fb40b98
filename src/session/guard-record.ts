import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { KnownThing } from "../changes/index.ts";

/** One folder of a guard, as it is kept. */
export interface GuardedFolder {
  /** Absolute, symlinks resolved. */
  readonly folder: string;
  /** Name of what is taken out of it, below the cell's quarantine. */
  readonly into: string;
  readonly excluded: readonly string[];
  readonly named: readonly string[];
  /** By path, one character a byte. */
  readonly trees: readonly (readonly [string, KnownThing])[];
  readonly files: readonly (readonly [string, KnownThing])[];
  /** See KnownFolder. */
  readonly repositories?: readonly string[];
  readonly olderNs?: bigint;
}

/** What a run that was killed leaves for the next one to finish. */
export interface GuardRecord {
  readonly schema: "workcell.guard/1";
  readonly session: string;
  readonly cell: string;
  /** Absolute paths: the session's quarantine, and the copies of what stood there. */
  readonly quarantine: string;
  readonly kept: string;
  /** Kernel time before anything was looked at, in ns. */
  readonly begunNs: bigint;
  readonly folders: readonly GuardedFolder[];
}

export const guardsOf = (state: string) => path.join(state, "guards");
const suffix = ".json";

/** Big numbers as JSON has none. */
const asText = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
const asNumber = (_: string, value: unknown) =>
  typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;

export const guardFile = (state: string, name: string, cell: string) =>
  path.join(guardsOf(state), `${name}.${cell}${suffix}`);

/** Written whole at once: whoever finds it can finish by it. */
export function writeGuard(file: string, record: GuardRecord): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, JSON.stringify(record, asText), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function readGuard(file: string): GuardRecord {
  return JSON.parse(readFileSync(file, "utf8"), asNumber) as GuardRecord;
}

/** Says that the cell still runs at this moment. */
export function touchGuard(file: string): void {
  const now = new Date();
  utimesSync(file, now, now);
}

/** When it was last said that the cell ran, in ns. */
export const lastTouch = (file: string): bigint => statSync(file, { bigint: true }).mtimeNs;

/** Guards that somebody began, with the session and cell that they are of. */
export function listGuards(state: string) {
  if (!existsSync(guardsOf(state))) return [];
  return readdirSync(guardsOf(state)).flatMap((entry) => {
    const [, name, cell] = /^(.+)\.([^.]+)\.json$/.exec(entry) ?? [];
    return name === undefined || cell === undefined
      ? []
      : [{ file: path.join(guardsOf(state), entry), name, cell }];
  });
}

export const forgetGuard = (file: string) => rmSync(file, { force: true });
