import type { PlannedFile, PlannedLimits, PlannedMount } from "../model/index.ts";

/** What the host's own files say; absent: there is nothing to say otherwise. */
export interface HostTexts {
  readonly meminfo: string;
  /** Needed only where a cell has fewer CPUs than the host. */
  readonly cpuinfo?: string;
}

const KIB = 1024;

const kilobytesIn = (text: string, name: string): number | undefined => {
  const [, digits] = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
};

/** Numbers that are the kernel's and not the host's use: a cell may see them. */
const constant = /^(VmallocTotal|Hugepagesize|HugePages_\w+|Hugetlb)$/;

/**
 * /proc/meminfo for a cell: as large as its limit, without swap, and empty at the start. A picture of one moment, since
 * nothing renews it; what else the host's file tells of the host's use is 0. PURE.
 */
export function limitedMeminfo(hostText: string, limits: Pick<PlannedLimits, "memoryBytes">): string {
  const hostTotal = kilobytesIn(hostText, "MemTotal") ?? Number.POSITIVE_INFINITY;
  const total = Math.min(Math.floor(limits.memoryBytes / KIB), hostTotal);
  const free = Math.min(total, kilobytesIn(hostText, "MemAvailable") ?? total);
  const shown: Readonly<Record<string, number>> = {
    ...{ MemTotal: total, MemFree: free, MemAvailable: free },
    ...{ CommitLimit: total },
  };
  const lines = hostText.split("\n").map((line) => {
    const [, name = "", blanks = "", digits = "", unit = ""] =
      /^([\w()]+):(\s+)(\d+)( kB)?$/.exec(line) ?? [];
    if (name === "" || constant.test(name)) return line;
    const value = String(shown[name] ?? 0);
    return `${name}:${value.padStart(blanks.length + digits.length)}${unit}`;
  });
  return lines.join("\n");
}

/** /proc/cpuinfo with the blocks of some CPUs alone, under the numbers that they have on the host. PURE. */
export function limitedCpuinfo(hostText: string, cpuIds: readonly number[]): string {
  const kept = hostText.split("\n\n").filter((block) => {
    const [, number] = /^processor\s*:\s*(\d+)$/m.exec(block) ?? [];
    // arm64 may end with a block about the machine.
    return number === undefined || cpuIds.includes(Number(number));
  });
  const text = kept.filter((block) => block.trim() !== "").join("\n\n");
  return `${text.trimEnd()}\n\n`;
}

/** `0-2,7`, as the kernel writes lists of CPUs, and as `cellhost supervise --cpus` takes them. PURE. */
export function cpuList(cpuIds: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const id of [...cpuIds].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

const cpuFolder = "/sys/devices/system/cpu";

/** The files of the kernel that a cell sees otherwise, by where they stand. */
function contents(limits: PlannedLimits, host: HostTexts): readonly (readonly [string, string])[] {
  const memory: (readonly [string, string])[] =
    limits.held.memory === "waived" ? [] : [["/proc/meminfo", limitedMeminfo(host.meminfo, limits)] as const];
  if (host.cpuinfo === undefined || limits.held.cpus === "host" || limits.held.cpus === "waived")
    return memory;
  const list = `${cpuList(limits.cpuIds)}\n`;
  return [
    ...memory,
    ["/proc/cpuinfo", limitedCpuinfo(host.cpuinfo, limits.cpuIds)],
    ...["online", "possible", "present"].map((name) => [`${cpuFolder}/${name}`, list] as const),
  ];
}

/** The views of a cell's limits: files to be written for it, and the mounts that put them over the kernel's own. PURE. */
export function planLimitedViews(
  limits: PlannedLimits,
  host: HostTexts,
  cellFolder: string,
): { readonly files: readonly PlannedFile[]; readonly mounts: readonly PlannedMount[] } {
  const views = contents(limits, host).map(([target, content]) => ({
    target,
    content,
    path: `limits/${target.slice(1).replaceAll("/", "-")}`,
  }));
  return {
    files: views.map(({ path, content }) => ({ path, content })),
    mounts: views.map(({ path, target }) => ({
      kind: "ro-bind",
      target,
      source: `${cellFolder}/${path}`,
      reason: "what the cell may use",
    })),
  };
}
