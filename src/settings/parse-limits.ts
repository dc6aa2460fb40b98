import { type Origin, type Sourced, WAIVABLE_NAMES, type WaivableName } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";
import type { LimitLayer } from "./layer.ts";
import { parseDuration } from "./parse-duration.ts";
import { parseSize } from "./parse-size.ts";

const MIB = 1024 ** 2;

/** Below that the cell's own processes would not start. */
const leastMemoryBytes = 16 * MIB;
const leastDiskBytes = 16 * MIB;
/** The tunnel takes four, and one for every connection. */
const leastPids = 16;
/** More than any kernel can number. */
const mostPids = 4_194_304;

interface SizeRange {
  readonly what: string;
  readonly leastBytes: number;
  readonly example: string;
}

function problemOfSize(bytes: number | undefined, least: number): string | undefined {
  if (bytes === undefined)
    return "not a size: a number, then K, M, G or T (powers of 1024) or nothing (bytes)";
  if (bytes === 0) return "no room at all; leave it out for the default";
  if (bytes >= least) return undefined;
  return `below the ${least / MIB}M that the cell itself needs`;
}

function readSize(range: SizeRange, text: string, origin: Origin): Sourced<number> {
  const value = parseSize(text);
  const problem = problemOfSize(value, range.leastBytes);
  if (value !== undefined && problem === undefined) return { value, origin };
  const remedy = `Write it like ${range.example}`;
  throw invalidValue({ what: range.what, value: text, origin, problem: problem ?? "not a size", remedy });
}

/** The host's own number is the upper bound, which a plan knows. */
function readCpus(given: string | number, origin: Origin): Sourced<number> {
  const text = String(given);
  const value = /^\d{1,4}(\.\d{1,2})?$/.test(text) ? Number(text) : undefined;
  if (value !== undefined && value >= 0.01) return { value, origin };
  const problem =
    value === 0 ? "no CPU at all; it must be at least 0.01" : "not a number with at most two decimals";
  throw invalidValue({
    what: "number of CPUs",
    value: given,
    origin,
    problem,
    remedy: "Write it like 2 or 0.5",
  });
}

function readPids(given: string | number, origin: Origin): Sourced<number> {
  const text = String(given);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (value !== undefined && value >= leastPids && value <= mostPids) return { value, origin };
  const problem =
    value === undefined
      ? "not a whole number"
      : value < leastPids
        ? `below the ${leastPids} that the cell itself needs`
        : `above the ${mostPids} that a kernel can number`;
  throw invalidValue({
    what: "number of processes",
    value: given,
    origin,
    problem,
    remedy: "Write it like 512",
  });
}

function readWaiver(text: string, origin: Origin): Sourced<WaivableName> {
  const value = WAIVABLE_NAMES.find((name) => name === text);
  if (value !== undefined) return { value, origin };
  const names = WAIVABLE_NAMES.join(", ");
  throw invalidValue({
    what: "waiver",
    value: text,
    origin,
    problem: `no such limit; it must be one of ${names}`,
    remedy: `Name one of ${names}`,
  });
}

const memory: SizeRange = { what: "memory", leastBytes: leastMemoryBytes, example: "512M or 2.8G" };
const disk: SizeRange = { what: "disk", leastBytes: leastDiskBytes, example: "500M or 10G" };
const output: SizeRange = { what: "output limit", leastBytes: 1, example: "64K or 100M" };

/** Limits as a flag or a file spells them. */
export interface LimitTexts {
  readonly cpus?: string | number | undefined;
  readonly memory?: string | undefined;
  readonly pids?: string | number | undefined;
  readonly disk?: string | undefined;
  readonly output?: string | undefined;
  readonly idle?: string | undefined;
  readonly waive?: readonly string[] | undefined;
}

/** Reads the limits that one source names. `from` says where a key stands in it. */
export function readLimits(texts: LimitTexts, from: (key: string) => Origin): LimitLayer {
  const { cpus, pids, idle, waive = [] } = texts;
  return {
    ...(cpus !== undefined && { cpus: readCpus(cpus, from("cpus")) }),
    ...(texts.memory !== undefined && { memoryBytes: readSize(memory, texts.memory, from("memory")) }),
    ...(pids !== undefined && { pids: readPids(pids, from("pids")) }),
    ...(texts.disk !== undefined && { diskBytes: readSize(disk, texts.disk, from("disk")) }),
    ...(texts.output !== undefined && { outputBytes: readSize(output, texts.output, from("output")) }),
    ...(idle !== undefined && { idleMs: parseDuration(idle, from("idle"), "idle time") }),
    ...(waive.length > 0 && { waive: waive.map((name) => readWaiver(name, from("waive"))) }),
  };
}
