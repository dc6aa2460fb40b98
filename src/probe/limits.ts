import { readFileSync } from "node:fs";
import os from "node:os";
import type { LimitFacts } from "../model/index.ts";
import { probeCgroups, readMountTable } from "./cgroups.ts";

/** `0-2,7` as the kernel writes lists of CPUs. */
export function parseCpuList(text: string): readonly number[] {
  return text
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** A line of /proc/meminfo in bytes; 0 when it is not there. */
export function parseMeminfo(text: string, name: string): number {
  const [, kilobytes = "0"] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
  return Number(kilobytes) * 1024;
}

function allowedCpus(): readonly number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  return parseCpuList(/^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? "0");
}

/** Asks the machine what bounds the limits of a cell that is to have so many CPUs. Spawns nothing. */
export function probeLimits(cpus = Number.POSITIVE_INFINITY): LimitFacts {
  const cpuIds = allowedCpus();
  const meminfo = readFileSync("/proc/meminfo", "utf8");
  const mountTable = readMountTable();
  return {
    uid: process.getuid?.() ?? 0,
    kernel: os.release(),
    cpuIds,
    memoryBytes: parseMeminfo(meminfo, "MemTotal"),
    swapBytes: parseMeminfo(meminfo, "SwapTotal"),
    cgroups: probeCgroups(mountTable),
    mountTable,
    meminfo,
    // Some kernels measure every CPU's speed when it is read, which takes its time.
    ...(cpus < cpuIds.length && { cpuinfo: readFileSync("/proc/cpuinfo", "utf8") }),
  };
}
