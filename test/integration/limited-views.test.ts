import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { PlannedLimits } from "../../src/model/index.ts";
import { planLimitedViews } from "../../src/plan/limited-views.ts";
import { parseCpuList } from "../../src/probe/limits.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const MIB = 1024 ** 2;
const allowed = parseCpuList(
  /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0",
);
const [first = 0] = allowed;
const limits: PlannedLimits = {
  ...{ memoryBytes: 512 * MIB, swapBytes: 0, pids: 512, openFiles: 1024, cpus: 1, cpuIds: [first] },
  ...{ diskBytes: 1e10 },
  held: { memory: "cgroup", swap: "host", pids: "cgroup", cpus: "cgroup", disk: "watched" },
};

/** Runs a program in a sandbox with the views over the kernel's files, or without them. */
function run(limited: boolean, ...words: string[]): string {
  const folder = tempFolder();
  const host = {
    meminfo: readFileSync("/proc/meminfo", "utf8"),
    cpuinfo: readFileSync("/proc/cpuinfo", "utf8"),
  };
  const { files, mounts } = planLimitedViews(limits, host, folder);
  for (const { path: name, content } of files) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  const view = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"];
  const binds = mounts.flatMap(({ source = "", target }) => ["--ro-bind", source, target]);
  const argv = ["--unshare-all", "--unshare-user", ...view, ...(limited ? binds : []), "--", ...words];
  return execFileSync("bwrap", argv, { encoding: "utf8" }).trim();
}

const node = (script: string) => [process.execPath, "-p", script];

test("Node's os.totalmem() and free follow the memory limit", () => {
  expect(Number(run(true, ...node("os.totalmem()")))).toBe(512 * MIB);
  expect(Number(run(false, ...node("os.totalmem()")))).toBeGreaterThan(512 * MIB);
  expect(run(true, "free", "-m")).toMatch(/^Mem:\s+512 .*\nSwap:\s+0 /m);
});

test("what counts CPUs by the kernel's files counts those of the limit", () => {
  expect(run(true, "grep", "-c", "^processor", "/proc/cpuinfo")).toBe("1");
  expect(run(true, "getconf", "_NPROCESSORS_CONF")).toBe("1");
  expect(run(true, "cat", "/sys/devices/system/cpu/online")).toBe(`${first}`);
});

test("nproc and Node's os.availableParallelism() follow the CPU mask", () => {
  expect(run(true, "taskset", "-c", `${first}`, "nproc")).toBe("1");
  expect(run(true, "taskset", "-c", `${first}`, ...node("os.availableParallelism()"))).toBe("1");
  expect(Number(run(false, "nproc"))).toBe(allowed.length);
});
