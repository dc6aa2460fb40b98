import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PlannedLimits } from "../model/index.ts";
import { cpuList, limitedCpuinfo, limitedMeminfo, planLimitedViews } from "./limited-views.ts";

const MIB = 1024 ** 2;
const meminfo = [
  "MemTotal:       24683876 kB",
  "MemFree:        23399596 kB",
  "MemAvailable:   23964828 kB",
  "Buffers:            1234 kB",
  "Active(anon):     100000 kB",
  "SwapTotal:       2097148 kB",
  "SwapFree:        2097148 kB",
  "CommitLimit:    12341936 kB",
  "VmallocTotal:   34359738367 kB",
  "HugePages_Total:       0",
  "Hugepagesize:       2048 kB",
  "",
].join("\n");

test("limitedMeminfo() is as large as the limit, without swap, and tells nothing of the host's use", () => {
  expect(limitedMeminfo(meminfo, { memoryBytes: 512 * MIB }).split("\n")).toEqual([
    "MemTotal:         524288 kB",
    "MemFree:          524288 kB",
    "MemAvailable:     524288 kB",
    "Buffers:               0 kB",
    "Active(anon):          0 kB",
    "SwapTotal:             0 kB",
    "SwapFree:              0 kB",
    "CommitLimit:      524288 kB",
    "VmallocTotal:   34359738367 kB",
    "HugePages_Total:       0",
    "Hugepagesize:       2048 kB",
    "",
  ]);
});

test("limitedMeminfo() never shows more than the host has, or than it has free", () => {
  const lines = limitedMeminfo(meminfo, { memoryBytes: 2 ** 50 }).split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "MemTotal:       24683876 kB",
    "MemFree:        23964828 kB",
    "MemAvailable:   23964828 kB",
  ]);
});

test("limitedMeminfo() keeps every line of this host's file", () => {
  const own = readFileSync("/proc/meminfo", "utf8");
  const names = (text: string) => text.split("\n").map((line) => line.split(":")[0]);
  expect(names(limitedMeminfo(own, { memoryBytes: 512 * MIB }))).toEqual(names(own));
});

const block = (id: number) => `processor\t: ${id}\nmodel name\t: A CPU\n`;

test("limitedCpuinfo() keeps the blocks of the CPUs that are granted, and one about the machine", () => {
  const x86 = `${[0, 1, 2, 10].map(block).join("\n")}\n`;
  expect(limitedCpuinfo(x86, [1, 10])).toBe(`${block(1)}\n${block(10)}\n`);
  const arm = `${block(0)}\n${block(1)}\nHardware\t: A board\n`;
  expect(limitedCpuinfo(arm, [0])).toBe(`${block(0)}\nHardware\t: A board\n\n`);
});

test("cpuList() writes what the kernel writes", () => {
  expect([cpuList([0]), cpuList([3, 0, 1, 2, 7, 9, 10]), cpuList([])]).toEqual(["0", "0-3,7,9-10", ""]);
});

test("cpuList() names exactly the CPUs it is given", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 200 })), (ids) => {
      const read = cpuList(ids)
        .split(",")
        .filter(Boolean)
        .flatMap((part) => {
          const [first = 0, last = first] = part.split("-").map(Number);
          return Array.from({ length: last - first + 1 }, (_, index) => first + index);
        });
      expect(read).toEqual([...ids].sort((a, b) => a - b));
    }),
  );
});

const limits: PlannedLimits = {
  ...{ memoryBytes: 512 * MIB, swapBytes: 0, pids: 512, openFiles: 1024, cpus: 1, cpuIds: [1] },
  ...{ diskBytes: 1e10 },
  held: { memory: "cgroup", swap: "host", pids: "cgroup", cpus: "cgroup", disk: "watched" },
};
const host = { meminfo, cpuinfo: `${block(0)}\n${block(1)}\n` };

test("planLimitedViews() puts a file of the cell over each of the kernel's that says otherwise", () => {
  const { files, mounts } = planLimitedViews(limits, host, "/cells/c0ffee");
  expect(mounts.map(({ target, source }) => [target, source])).toEqual([
    ["/proc/meminfo", "/cells/c0ffee/limits/proc-meminfo"],
    ["/proc/cpuinfo", "/cells/c0ffee/limits/proc-cpuinfo"],
    ["/sys/devices/system/cpu/online", "/cells/c0ffee/limits/sys-devices-system-cpu-online"],
    ["/sys/devices/system/cpu/possible", "/cells/c0ffee/limits/sys-devices-system-cpu-possible"],
    ["/sys/devices/system/cpu/present", "/cells/c0ffee/limits/sys-devices-system-cpu-present"],
  ]);
  expect(files.map(({ path }) => `/cells/c0ffee/${path}`)).toEqual(mounts.map(({ source }) => source));
  expect(files.at(-1)?.content).toBe("1\n");
});

test("planLimitedViews() covers nothing that is as the host's", () => {
  const all = { ...limits, held: { ...limits.held, memory: "waived", cpus: "host" } as const };
  expect(planLimitedViews(all, host, "/c")).toEqual({ files: [], mounts: [] });
});
