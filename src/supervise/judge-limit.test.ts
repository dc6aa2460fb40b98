import { expect, test } from "vitest";
import type { Ending, PlannedLimits } from "../model/index.ts";
import { denialOfPids, judgeLimit, type LimitFindings, reachedLimit } from "./judge-limit.ts";

const limits: PlannedLimits = {
  ...{ memoryBytes: 1000, swapBytes: 0, pids: 512, openFiles: 1024, cpus: 1, cpuIds: [0], diskBytes: 5000 },
  held: { memory: "cgroup", swap: "host", pids: "cgroup", cpus: "host", disk: "loop" },
};
const usage = { memoryPeakBytes: 999, oomKills: 1, cpuMs: 5, pidsDenied: 0 };
const full = { usedBytes: 4990, freeBytes: 0, freeFiles: 100 };
const roomy = { usedBytes: 100, freeBytes: 2 ** 30, freeFiles: 100 };

const killed: Ending = { status: "signalled", exitCode: 137, signal: "SIGKILL" };
const exited = (exitCode: number): Ending => ({ status: "exited", exitCode, signal: null });
const lost: Ending = { status: "forwarder-lost", exitCode: 137, signal: null };
const judge = (ending: Ending, findings: Omit<LimitFindings, "limits">) =>
  judgeLimit(ending, { limits, ...findings });

const memory = { name: "memory", limitBytes: 1000, usedBytes: 999, flag: "--memory" };
const disk = { name: "disk", limitBytes: 5000, usedBytes: 4990, flag: "--disk" };

test.each([killed, exited(1), lost])("judgeLimit() of %j after the kernel killed for memory", (ending) => {
  expect(judge(ending, { usage })).toEqual({
    ...{ status: "out-of-memory", exitCode: 137, signal: null, limit: memory },
  });
});

test("judgeLimit() names the disk when the command failed on a full one", () => {
  const ending = { status: "disk-full", exitCode: 137, signal: null, limit: disk };
  expect(judge(exited(1), { disk: full })).toEqual(ending);
  expect(judge(exited(1), { disk: { ...roomy, freeFiles: 0 } })).toMatchObject({ status: "disk-full" });
  expect(judge(exited(1), { disk: roomy })).toEqual(exited(1));
  expect(judge(exited(1), { disk: { ...roomy, freeFiles: null } })).toEqual(exited(1));
});

test("judgeLimit() names the limit that Workcell ended the cell for, before all others", () => {
  const reached = reachedLimit("output", 10, 12);
  expect(judge(killed, { reached, usage, disk: full })).toEqual({
    status: "output-limit",
    exitCode: 137,
    signal: null,
    limit: { name: "output", limitBytes: 10, usedBytes: 12, flag: "--output" },
  });
  expect(judge(exited(0), { reached })).toMatchObject({ status: "output-limit" });
});

test.each<Ending>([
  exited(0),
  { status: "timed-out", exitCode: 124, signal: null },
  { status: "cancelled", exitCode: 130, signal: null },
  { status: "never-started", exitCode: 127, signal: null, reason: "" },
])("judgeLimit() leaves %j as it is", (ending) => {
  expect(judge(ending, { usage, disk: full })).toEqual(ending);
});

test("judgeLimit() leaves an end alone that no limit explains, or that had none", () => {
  expect(judge(killed, { usage: { ...usage, oomKills: 0 }, disk: roomy })).toEqual(killed);
  expect(judgeLimit(killed, undefined)).toEqual(killed);
});

test("denialOfPids() counts refused processes as one denial", () => {
  expect(denialOfPids({ limits, usage: { ...usage, pidsDenied: 7 } })).toEqual({
    layer: "limits",
    rule: "pids 512",
    origin: "control group",
    what: "start one more process or thread, 7 times",
    remedy: "Allow more: workcell run --pids 1024 ...",
  });
  expect(denialOfPids({ limits, usage })).toBeUndefined();
  expect(denialOfPids({ limits })).toBeUndefined();
});
