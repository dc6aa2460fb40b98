import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { from, settings } from "../../test/helpers/plan-input.ts";
import type { CgroupFacts, LimitFacts, Settings } from "../model/index.ts";
import { originOfLimit, planLimits } from "./limits.ts";

const GIB = 1024 ** 3;
const parent = (folder: string) => ({ version: 2 as const, folder });
const groups: CgroupFacts = {
  ...{ kind: "v2", swap: true },
  ...{ memory: parent("/m"), pids: parent("/p"), cpu: parent("/c") },
};
const none: CgroupFacts = { kind: "none", swap: false, missing: "no group can be made here (EACCES)" };
const facts: LimitFacts = {
  ...{ uid: 0, kernel: "6.1.0-18-amd64", cpuIds: [0, 1, 2, 3, 4, 5, 6, 7] },
  ...{ memoryBytes: 32 * GIB, swapBytes: GIB, cgroups: groups, mountTable: "", meminfo: "" },
};

const plan = (changes: Partial<Settings> = {}, found: Partial<LimitFacts> = {}, loopDisk = false) =>
  planLimits({ settings: { ...settings, ...changes }, facts: { ...facts, ...found }, loopDisk });

test("planLimits() gives cowork the reference's limits, all held by the kernel where it can", () => {
  expect(plan({}, {}, true)).toEqual({
    limits: {
      ...{ memoryBytes: 3006477107, swapBytes: 0, pids: 512, openFiles: 1024, diskBytes: 10_000_000_000 },
      ...{ cpus: 4, cpuIds: [0, 5, 6, 7] },
      held: { memory: "cgroup", swap: "cgroup", pids: "cgroup", cpus: "cgroup", disk: "loop" },
    },
    weaker: [],
  });
});

test("planLimits() says what is weaker without control groups, and picks fewer than all CPUs by a mask", () => {
  const { limits, weaker } = plan({}, { cgroups: none, uid: 1000 });
  expect(limits.held).toEqual({
    ...{ memory: "watched", swap: "watched", pids: "rlimit", cpus: "mask", disk: "watched" },
  });
  expect(weaker).toEqual([
    { limit: "memory", how: "watched" },
    { limit: "swap", how: "watched" },
    { limit: "cpus", how: "mask" },
    { limit: "disk", how: "watched" },
  ]);
});

test("planLimits() has nothing to hold where the host has no swap and no more CPUs", () => {
  const { limits, weaker } = plan({}, { cgroups: none, swapBytes: 0, cpuIds: [0, 1] });
  expect(limits).toMatchObject({ cpus: 2, cpuIds: [0, 1], held: { swap: "host", cpus: "host" } });
  expect(weaker.map(({ limit }) => limit)).toEqual(["memory", "disk"]);
});

test("planLimits() calls a process limit weaker on a kernel that counts all of the user's processes", () => {
  expect(plan({}, { cgroups: none, kernel: "5.10.0" }).weaker).toContainEqual({
    limit: "pids",
    how: "rlimit",
  });
  expect(plan({}, { cgroups: none, kernel: "5.14.0" }).weaker).not.toContainEqual(
    expect.objectContaining({ limit: "pids" }),
  );
});

test("planLimits() gives other profiles 4 GiB, or half of the host's memory when that is less", () => {
  const memory = (memoryBytes: number) =>
    plan({ profile: from("standard") }, { memoryBytes }).limits.memoryBytes;
  expect([memory(32 * GIB), memory(6 * GIB)]).toEqual([4 * GIB, 3 * GIB]);
});

test("planLimits() takes what is asked for, and leaves unsaid what is not", () => {
  const asked = { memoryBytes: from(GIB), pids: from(20), cpus: from(1.5), diskBytes: from(GIB) };
  const { limits } = plan({ ...asked, outputBytes: from(5), idleMs: from(7) });
  expect(limits).toMatchObject({ memoryBytes: GIB, pids: 20, cpus: 1.5, diskBytes: GIB });
  expect(limits).toMatchObject({ outputBytes: 5, idleMs: 7 });
  expect(limits.cpuIds).toHaveLength(2);
  expect(Object.keys(plan().limits)).not.toContain("outputBytes");
});

test("planLimits() does without a waived limit, whatever the host could hold", () => {
  const { limits, weaker } = plan({ waive: [from("memory"), from("cpus"), from("landlock")] });
  expect(limits.held).toMatchObject({ memory: "waived", swap: "cgroup", cpus: "waived" });
  expect(limits.cpuIds).toEqual(facts.cpuIds);
  expect(weaker).toEqual([
    { limit: "memory", how: "waived" },
    { limit: "cpus", how: "waived" },
    { limit: "disk", how: "watched" },
  ]);
});

test("planLimits() spreads masks over the CPUs, and gives one seed one mask", () => {
  const mask = (seed: string) =>
    planLimits({ settings: { ...settings, cpus: from(2) }, facts, seed }).limits.cpuIds.join();
  const masks = new Set(Array.from({ length: 64 }, (_, index) => mask(`cell-${index}`)));
  expect(masks.size).toBe(8);
  expect(mask("a")).toBe(mask("a"));
});

test("planLimits() refuses more CPUs than there are, and a part of one that nothing can hold", async () => {
  expect(await failureOf(() => plan({ cpus: from(9, "flag --cpus") }))).toEqual({
    code: "WC_SETTINGS",
    message: 'Cannot use the number of CPUs "9" (flag --cpus): above the 8 that Workcell itself may use',
    remedy: "Name at most 8, or leave it out for 4 or all there are",
  });
  expect(await failureOf(() => plan({ cpus: from(0.5, "flag --cpus") }, { cgroups: none }))).toEqual({
    code: "WC_HOST",
    message:
      'Cannot hold "0.5" CPUs (flag --cpus): no group can be made here (EACCES), and a CPU mask holds only whole ones',
    remedy: "Name a whole number, or do without the limit: --waive cpus",
  });
  const waived = { cpus: from(0.5), waive: [from("cpus" as const)] };
  expect(plan(waived, { cgroups: none }).limits.held.cpus).toBe("waived");
});

test("originOfLimit() names the source, or the profile", () => {
  const named = { ...settings, pids: from(20, "flag --pids") };
  expect([originOfLimit(named, "pids"), originOfLimit(named, "cpus")]).toEqual([
    "flag --pids",
    "profile cowork",
  ]);
});
