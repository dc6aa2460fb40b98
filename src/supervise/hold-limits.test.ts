import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { Usage } from "../launch/index.ts";
import type { Hold, PlannedLimits } from "../model/index.ts";
import { type HoldInput, holdLimits } from "./hold-limits.ts";
import { reachedLimit } from "./judge-limit.ts";

const MIB = 1024 ** 2;

function limitsHeld(memory: Hold, disk: Hold): PlannedLimits {
  return {
    ...{ memoryBytes: MIB, swapBytes: 0, pids: 512, openFiles: 1024, cpus: 1, cpuIds: [0], diskBytes: MIB },
    held: { memory, swap: "host", pids: "rlimit", cpus: "host", disk },
  };
}

/** A cell with a folder of its own, and groups that count what the test says. */
function cell(limits: PlannedLimits, usage: Partial<Usage> = {}) {
  const home = path.join(tempFolder(), "home");
  mkdirSync(home);
  const counted: Usage = { memoryPeakBytes: 12, oomKills: 0, cpuMs: 1, pidsDenied: 0, ...usage };
  const onReached = vi.fn<HoldInput["onReached"]>();
  const onLost = vi.fn<HoldInput["onLost"]>();
  const group = { joinFiles: [], read: () => counted, remove: async () => {} };
  const input: HoldInput = {
    ...{ limits, rootPid: 4_194_305, countSwap: false, group, onReached, onLost },
    disk: { folders: [home], startBytes: 0, loop: limits.held.disk === "loop" },
  };
  return { home, counted, onReached, onLost, input };
}

test("holdLimits() ends the whole cell when the kernel has ended a process of its group", async () => {
  const limits = limitsHeld("cgroup", "waived");
  const { input, onReached, counted } = cell(limits, { oomKills: 1 });
  const held = await holdLimits(input);
  await vi.waitFor(() => expect(onReached).toHaveBeenCalled(), 2000);
  const reached = reachedLimit("memory", MIB, 12);
  expect(onReached.mock.calls).toEqual([[reached]]);
  expect(await held.finish()).toEqual({ limits, reached, usage: counted });
});

test("holdLimits() watches the folders of a session without a disk, and says only the first limit", async () => {
  const limits = limitsHeld("waived", "watched");
  const { home, input, onReached } = cell(limits);
  const held = await holdLimits(input);
  writeFileSync(path.join(home, "a"), Buffer.alloc(3 * MIB, 1));
  await vi.waitFor(() => expect(onReached).toHaveBeenCalled(), 15_000);
  held.reach(reachedLimit("output", 1, 2));
  expect(onReached.mock.calls).toHaveLength(1);
  expect((await held.finish()).reached).toMatchObject({ name: "disk", flag: "--disk" });
});

test("holdLimits() takes what others count, and the space of a session's own disk", async () => {
  const { input, onReached } = cell(limitsHeld("waived", "loop"));
  const held = await holdLimits(input);
  held.reach(reachedLimit("output", 1, 2));
  expect(onReached.mock.calls).toEqual([[{ name: "output", limitBytes: 1, usedBytes: 2, flag: "--output" }]]);
  expect(await held.finish()).toMatchObject({
    reached: { name: "output" },
    disk: { freeBytes: expect.any(Number) },
  });
});

test("holdLimits() watches nothing that is waived or that the kernel holds, and stops when it is told to", async () => {
  const waived = cell(limitsHeld("waived", "waived"), { oomKills: 3 });
  const stopped = cell(limitsHeld("cgroup", "watched"), { oomKills: 1 });
  const [one, other] = await Promise.all([holdLimits(waived.input), holdLimits(stopped.input)]);
  await other.finish();
  writeFileSync(path.join(stopped.home, "a"), Buffer.alloc(3 * MIB, 1));
  await sleep(300);
  expect(
    [waived.onReached, waived.onLost, stopped.onReached, stopped.onLost].map((f) => f.mock.calls),
  ).toEqual([[], [], [], []]);
  expect(await one.finish()).not.toHaveProperty("reached");
});
