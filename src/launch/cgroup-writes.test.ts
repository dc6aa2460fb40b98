import { expect, test } from "vitest";
import type { CgroupFacts, PlannedLimits } from "../model/index.ts";
import { planGroups } from "./cgroup-writes.ts";

const held = { memory: "cgroup", swap: "cgroup", pids: "cgroup", cpus: "cgroup", disk: "loop" } as const;
const limits: PlannedLimits = {
  ...{ memoryBytes: 2 ** 30, swapBytes: 0, pids: 512, openFiles: 1024, cpus: 1.5, cpuIds: [0, 1] },
  ...{ diskBytes: 1e10, held },
};
const at = (version: 1 | 2, folder: string) => ({ version, folder });
const one: CgroupFacts = {
  ...{
    kind: "v1",
    swap: true,
    memory: at(1, "/m"),
    pids: at(1, "/p"),
    cpu: at(1, "/c"),
    cpuacct: at(1, "/a"),
  },
};
const two: CgroupFacts = {
  kind: "v2",
  swap: true,
  memory: at(2, "/g"),
  pids: at(2, "/g"),
  cpu: at(2, "/g"),
};

test("planGroups() writes version 1, with memory and swap together after memory alone", () => {
  expect(planGroups(limits, one)).toEqual([
    {
      parent: at(1, "/m"),
      writes: [
        { file: "memory.limit_in_bytes", text: "1073741824" },
        { file: "memory.memsw.limit_in_bytes", text: "1073741824" },
        { file: "memory.swappiness", text: "0" },
      ],
    },
    { parent: at(1, "/p"), writes: [{ file: "pids.max", text: "512" }] },
    {
      parent: at(1, "/c"),
      writes: [
        { file: "cpu.cfs_period_us", text: "100000" },
        { file: "cpu.cfs_quota_us", text: "150000" },
      ],
    },
    { parent: at(1, "/a"), writes: [] },
  ]);
});

test("planGroups() writes version 2 into one group a folder, and ends the whole cell at the memory limit", () => {
  expect(planGroups(limits, two)).toEqual([
    {
      parent: at(2, "/g"),
      writes: [
        { file: "memory.max", text: "1073741824" },
        { file: "memory.swap.max", text: "0" },
        { file: "memory.oom.group", text: "1" },
        { file: "pids.max", text: "512" },
        { file: "cpu.max", text: "150000 100000" },
      ],
    },
  ]);
});

test("planGroups() leaves out what nothing accounts for, what the host holds, and what is waived", () => {
  const some = { ...limits, held: { ...held, pids: "waived", cpus: "host", swap: "waived" } as const };
  expect(planGroups(some, two)).toEqual([
    {
      parent: at(2, "/g"),
      writes: [
        { file: "memory.max", text: "1073741824" },
        { file: "memory.oom.group", text: "1" },
      ],
    },
  ]);
  expect(planGroups(limits, { ...two, swap: false })[0]?.writes.map(({ file }) => file)).not.toContain(
    "memory.swap.max",
  );
  expect(planGroups(limits, { kind: "none", swap: false })).toEqual([]);
});

test("planGroups() asks for at least the least quota that the kernel takes", () => {
  const [, , cpu] = planGroups({ ...limits, cpus: 0.001 }, one);
  expect(cpu?.writes.at(-1)).toEqual({ file: "cpu.cfs_quota_us", text: "1000" });
});
