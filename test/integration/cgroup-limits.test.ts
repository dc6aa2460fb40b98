import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import {
  type CellGroup,
  findDeadGroups,
  makeCellGroup,
  removeDeadGroups,
  startTime,
} from "../../src/launch/index.ts";
import type { CgroupFacts, PlannedLimits } from "../../src/model/index.ts";
import { probeLimits } from "../../src/probe/index.ts";
import { failureOf } from "../helpers/failure.ts";

const MIB = 1024 ** 2;
const facts = probeLimits();
const { cgroups } = facts;
const held = { memory: "cgroup", swap: "cgroup", pids: "cgroup", cpus: "cgroup", disk: "watched" } as const;
const limits: PlannedLimits = {
  ...{ memoryBytes: 64 * MIB, swapBytes: 0, pids: 20, openFiles: 1024, cpus: 0.2, cpuIds: [0] },
  ...{ diskBytes: 1e10, held },
};
const able = cgroups.memory !== undefined && cgroups.pids !== undefined && cgroups.cpu !== undefined;
const needsGroups = test.skipIf(!able);

const groups: CellGroup[] = [];
/** One that a busy machine has not let go of yet must not stand in the way of the next. */
const ids = Array.from({ length: 100 }, (_, index) => `test${index}`).values();
afterEach(async () => {
  for (const group of groups.splice(0)) await group.remove();
});

function make(changes: Partial<PlannedLimits> = {}): CellGroup {
  const group = makeCellGroup(ids.next().value ?? "", { ...limits, ...changes }, cgroups);
  if (group === undefined) throw new Error("no group was planned");
  groups.push(group);
  return group;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
}

/** A shell that goes into the groups as a cell's first process does, and then runs the script. */
function run(group: CellGroup | undefined, script: string, endAfterMs?: number): Promise<Ended> {
  const enter = 'for f; do echo 0 > "$f" || exit 99; done';
  const files = group?.joinFiles ?? [];
  const child = spawn("/bin/bash", ["-c", `${enter}; ${script}`, "bash", ...files], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  // The whole process group at once: a bomb would outrun a signal to one after the other.
  const end = () => child.pid !== undefined && process.kill(-child.pid, "SIGKILL");
  const timer = endAfterMs === undefined ? undefined : setTimeout(end, endAfterMs);
  return new Promise((resolve) =>
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout });
    }),
  );
}

/** Holds as many bytes of anonymous memory as it is told to. */
const hold = (bytes: number) =>
  `exec ${process.execPath} -e 'const b = Buffer.alloc(${bytes}, 1); console.log(b.length)'`;

beforeAll(() => {
  if (!able && process.env["CI"] !== undefined && facts.uid === 0) throw new Error(`${cgroups.missing}`);
});

needsGroups(
  "a program above the memory limit is killed, below it and without a group it is not",
  async () => {
    const group = make({ memoryBytes: 128 * MIB });
    expect(await run(group, hold(256 * MIB))).toMatchObject({ signal: "SIGKILL", stdout: "" });
    const { oomKills, memoryPeakBytes } = group.read();
    expect(oomKills).toBe(1);
    expect(memoryPeakBytes).toBeGreaterThan(120 * MIB);
    expect(memoryPeakBytes).toBeLessThanOrEqual(128 * MIB);

    const roomy = make({ memoryBytes: 400 * MIB });
    expect(await run(roomy, hold(256 * MIB))).toMatchObject({ code: 0, stdout: `${256 * MIB}\n` });
    expect(roomy.read().oomKills).toBe(0);
    expect(await run(undefined, hold(256 * MIB))).toMatchObject({ code: 0 });
  },
);

needsGroups("shared memory counts", async () => {
  const group = make({ memoryBytes: 64 * MIB });
  const file = `/dev/shm/workcell-test-${process.pid}`;
  const script = `dd if=/dev/zero of=${file} bs=1M count=128 status=none; rc=$?; rm -f ${file}; exit $rc`;
  const ended = await run(group, script);
  expect(ended.code === 0).toBe(false);
  expect(group.read().oomKills).toBeGreaterThan(0);
  await run(undefined, `rm -f ${file}`);
});

needsGroups("a fork bomb stops at the limit, which is counted, and leaves the host alone", async () => {
  const group = make({ pids: 20 });
  const bombed = run(group, "bomb() { bomb | bomb & }; bomb; sleep 20", 700);
  const control = await run(undefined, "sleep 0.1 & sleep 0.1 & wait; echo fine");
  expect(control.stdout).toBe("fine\n");
  expect((await bombed).signal).toBe("SIGKILL");
  expect(group.read().pidsDenied).toBeGreaterThan(0);
  const calm = make({ pids: 20 });
  await run(calm, "sleep 0.1 & sleep 0.1 & wait");
  expect(calm.read().pidsDenied).toBe(0);
});

needsGroups("CPU time is limited, and counted for children nobody waited for", async () => {
  const group = make({ cpus: 0.2 });
  const spin = "timeout 1 bash -c 'while :; do :; done' & sleep 1.1";
  await run(group, spin);
  const { cpuMs } = group.read();
  expect(cpuMs).toBeGreaterThan(50);
  expect(cpuMs).toBeLessThan(500);
  // Control: the same without the limit. A machine that others keep busy may need to be asked again.
  let unlimitedMs = 0;
  for (let round = 0; round < 5 && unlimitedMs <= 550; round++) {
    const free = make({ cpus: 1, held: { ...held, cpus: "waived" } });
    await run(free, spin);
    unlimitedMs = free.read().cpuMs ?? 0;
  }
  expect(unlimitedMs).toBeGreaterThan(550);
});

needsGroups("remove() leaves nothing, and a limit that cannot be set makes nothing", async () => {
  const group = make();
  await run(group, "true");
  await group.remove();
  expect(group.joinFiles.filter((file) => existsSync(path.dirname(file)))).toEqual([]);
  const before = readdirSync(cgroups.memory?.folder ?? "/").length;
  const nowhere: CgroupFacts = { ...cgroups, pids: { version: 1, folder: "/nowhere" } };
  expect(await failureOf(() => makeCellGroup("c0ffee", limits, nowhere))).toMatchObject({
    code: "WC_HOST",
    message: expect.stringMatching(/^Cannot write "workcell-c0ffee-\d+-\d+" to "\/nowhere": ENOENT/),
  });
  expect(readdirSync(cgroups.memory?.folder ?? "/")).toHaveLength(before);
});

needsGroups("removeDeadGroups() takes away a killed Workcell's empty groups, and no other's", async () => {
  const parent = cgroups.memory?.folder ?? "/";
  const name = (pid: number, started: string | undefined) =>
    path.join(parent, `workcell-c0ffee-${pid}-${started ?? 0}`);
  const dead = name(process.pid, "1");
  const living = name(process.pid, startTime(process.pid));
  const busy = name(process.pid, "2");
  const foreign = path.join(parent, "workcell-other");
  for (const folder of [dead, living, busy, foreign]) mkdirSync(folder);
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    writeFileSync(path.join(busy, "cgroup.procs"), String(child.pid));
    removeDeadGroups(findDeadGroups(cgroups));
    expect([dead, living, busy, foreign].map((folder) => existsSync(folder))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    for (const folder of [living, busy, foreign]) rmdirSync(folder);
  }
});
