import { WorkcellError } from "../errors/index.ts";
import type {
  Hold,
  LimitFacts,
  PlannedLimits,
  Settings,
  Sourced,
  WaivableName,
  Weaker,
} from "../model/index.ts";
import { defaultLimits, defaultLimitsOrigin, invalidValue } from "../settings/index.ts";

interface LimitsInput {
  readonly settings: Settings;
  readonly facts: LimitFacts;
  /** Spreads the CPU masks of cells over the host's CPUs, e.g. the cell's name. */
  readonly seed?: string;
  /** True: the session has a disk of its own. */
  readonly loopDisk?: boolean;
}

interface Limits {
  readonly limits: PlannedLimits;
  readonly weaker: readonly Weaker[];
}

/** Since this kernel RLIMIT_NPROC counts each user namespace for itself; before, all processes of the user. */
const namespacedLimits = { major: 5, minor: 14 };

function countsByNamespace(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split(".").map((part) => Number.parseInt(part, 10));
  return (
    major > namespacedLimits.major || (major === namespacedLimits.major && minor >= namespacedLimits.minor)
  );
}

function planMemory({ settings, facts }: LimitsInput): number {
  const preset = defaultLimits(settings.profile.value);
  const asked = settings.memoryBytes?.value;
  if (asked !== undefined) return asked;
  return preset.atMostHalfOfMemory
    ? Math.min(preset.memoryBytes, Math.floor(facts.memoryBytes / 2))
    : preset.memoryBytes;
}

function planCpus({ settings, facts }: LimitsInput): number {
  const { profile, cpus } = settings;
  const there = facts.cpuIds.length;
  if (cpus === undefined) return Math.min(defaultLimits(profile.value).cpus, there);
  if (cpus.value <= there) return cpus.value;
  throw invalidValue({
    what: "number of CPUs",
    ...cpus,
    problem: `above the ${there} that Workcell itself may use`,
    remedy: `Name at most ${there}, or leave it out for 4 or all there are`,
  });
}

function hashOf(text: string): number {
  let hash = 2166136261;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  return hash;
}

/** Neighbouring CPUs from a place that depends on the seed: or all cells would crowd on the first ones. */
function pickCpus(ids: readonly number[], count: number, seed: string): readonly number[] {
  const start = count >= ids.length ? 0 : hashOf(seed) % ids.length;
  return [...ids.slice(start), ...ids.slice(0, start)].slice(0, count).sort((a, b) => a - b);
}

function holdSwap({ cgroups, swapBytes }: LimitFacts): Hold {
  if (swapBytes === 0) return "host";
  return cgroups.memory !== undefined && cgroups.swap ? "cgroup" : "watched";
}

function holdCpus(facts: LimitFacts, cpus: number): Hold {
  if (cpus >= facts.cpuIds.length) return "host";
  return facts.cgroups.cpu === undefined ? "mask" : "cgroup";
}

function planHolds({ settings, facts, loopDisk }: LimitsInput, cpus: number): PlannedLimits["held"] {
  const waived = new Set(settings.waive?.map(({ value }) => value));
  const hold = (name: WaivableName, how: Hold): Hold => (waived.has(name) ? "waived" : how);
  return {
    memory: hold("memory", facts.cgroups.memory === undefined ? "watched" : "cgroup"),
    swap: hold("swap", holdSwap(facts)),
    pids: hold("pids", facts.cgroups.pids === undefined ? "rlimit" : "cgroup"),
    cpus: hold("cpus", holdCpus(facts, cpus)),
    disk: hold("disk", loopDisk === true ? "loop" : "watched"),
  };
}

/** What is held in a weaker way than by the kernel, as the outcome and the doctor's words name it. */
function weakerThanAsked(held: PlannedLimits["held"], kernel: string): readonly Weaker[] {
  const isWeaker = (limit: keyof typeof held, how: Hold) =>
    how === "watched" ||
    how === "mask" ||
    how === "waived" ||
    (limit === "pids" && how === "rlimit" && !countsByNamespace(kernel));
  return (["memory", "swap", "pids", "cpus", "disk"] as const).flatMap((limit) =>
    isWeaker(limit, held[limit]) ? [{ limit, how: held[limit] }] : [],
  );
}

/** A mask holds nothing below a whole CPU, and a program can widen it. */
function refuseFraction(cpus: Sourced<number> | undefined, facts: LimitFacts): void {
  if (cpus === undefined || Number.isInteger(cpus.value)) return;
  const why = facts.cgroups.missing ?? "there is no control group for it";
  throw new WorkcellError("WC_HOST", {
    message: `Cannot hold "${cpus.value}" CPUs (${cpus.origin}): ${why}, and a CPU mask holds only whole ones`,
    remedy: "Name a whole number, or do without the limit: --waive cpus",
  });
}

/**
 * Says what a cell may use, and what holds each limit on this machine. Throws WC_SETTINGS for a value that the host
 * does not have, WC_HOST for a limit that nothing can hold.
 */
export function planLimits(input: LimitsInput): Limits {
  const { settings, facts, seed = "" } = input;
  const preset = defaultLimits(settings.profile.value);
  const cpus = planCpus(input);
  const held = planHolds(input, cpus);
  if (held.cpus === "mask") refuseFraction(settings.cpus, facts);
  const { outputBytes, idleMs } = settings;
  const masked = held.cpus === "waived" ? facts.cpuIds.length : Math.ceil(cpus);
  const limits: PlannedLimits = {
    memoryBytes: planMemory(input),
    swapBytes: 0,
    pids: settings.pids?.value ?? preset.pids,
    openFiles: preset.openFiles,
    cpus,
    cpuIds: pickCpus(facts.cpuIds, masked, seed),
    diskBytes: settings.diskBytes?.value ?? preset.diskBytes,
    ...(outputBytes && { outputBytes: outputBytes.value }),
    ...(idleMs && { idleMs: idleMs.value }),
    held,
  };
  return { limits, weaker: weakerThanAsked(held, facts.kernel) };
}

/** Where a limit's value came from, for `--explain`. */
export function originOfLimit(
  settings: Settings,
  key: "memoryBytes" | "pids" | "cpus" | "diskBytes",
): string {
  return settings[key]?.origin ?? defaultLimitsOrigin(settings.profile.value);
}
