import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCgroupLayout } from "./cgroup-layout.ts";
import { type CgroupView, judgeCgroups, probeCgroups } from "./cgroups.ts";
import { parseCpuList, parseMeminfo, probeLimits } from "./limits.ts";

const mount = (point: string, type: string, options: string) =>
  `30 29 0:26 / ${point} rw,nosuid - ${type} ${type} rw,${options}`;
const second = mount("/sys/fs/cgroup", "cgroup2", "nsdelegate");

/** A machine on which the groups named hand on their controllers, and those below `writable` may be used. */
function view(uid: number, handsOn: Readonly<Record<string, string>>, writable: string): CgroupView {
  return {
    uid,
    mayUse: (folder) => folder.startsWith(writable),
    exists: (file) => file.endsWith("memory.swap.max"),
    words: (file) => (handsOn[file.replace("/cgroup.subtree_control", "")] ?? "").split(" "),
  };
}

test("judgeCgroups() takes the nearest group above that hands each controller on", () => {
  const layout = parseCgroupLayout("0::/system.slice/workcell.service\n", second);
  const handsOn = {
    "/sys/fs/cgroup": "cpu memory pids",
    "/sys/fs/cgroup/system.slice": "memory pids",
  };
  const near = { version: 2, folder: "/sys/fs/cgroup/system.slice" };
  expect(judgeCgroups(layout, view(0, handsOn, "/sys/fs/cgroup"))).toEqual({
    ...{ kind: "v2", swap: true, memory: near, pids: near, cpu: { version: 2, folder: "/sys/fs/cgroup" } },
  });
});

test("judgeCgroups() finds a user's part of version 2, and says how to come into one", () => {
  const app = "/user.slice/user-1000.slice/user@1000.service/app.slice";
  const handsOn = {
    "/sys/fs/cgroup": "cpu memory pids",
    [`/sys/fs/cgroup${app}`]: "memory pids",
  };
  const inside = parseCgroupLayout(`0::${app}/term.scope\n`, second);
  const own = { version: 2, folder: `/sys/fs/cgroup${app}` };
  const may = view(1000, handsOn, "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service");
  expect(judgeCgroups(inside, may)).toMatchObject({ kind: "delegated", memory: own, pids: own });
  const login = parseCgroupLayout("0::/user.slice/user-1000.slice/session-2.scope\n", second);
  expect(judgeCgroups(login, may)).toEqual({
    kind: "none",
    swap: false,
    missing:
      "this user may make no group for memory, pids, cpu; start Workcell in a group of its own: systemd-run --user --scope -p Delegate=yes workcell ...",
  });
});

test("judgeCgroups() of version 1 takes the own group of each, and cpuacct where it is mounted apart", () => {
  const points = ["memory", "pids", "cpu", "cpuacct"];
  const mounts = points.map((name) => mount(`/cg/${name}`, "cgroup", name)).join("\n");
  const groups = points.map((name, index) => `${index}:${name}:/job`).join("\n");
  const layout = parseCgroupLayout(groups, mounts);
  const all = { uid: 0, mayUse: () => true, exists: () => true, words: () => [] };
  const at = (name: string) => ({ version: 1, folder: `/cg/${name}/job` });
  expect(judgeCgroups(layout, all)).toEqual({
    ...{
      kind: "v1",
      swap: true,
      memory: at("memory"),
      pids: at("pids"),
      cpu: at("cpu"),
      cpuacct: at("cpuacct"),
    },
  });
  const together = parseCgroupLayout("1:cpu,cpuacct:/", mount("/cg/both", "cgroup", "cpu,cpuacct"));
  expect(judgeCgroups(together, all)).toMatchObject({
    kind: "v1",
    missing: expect.stringMatching("memory, pids"),
  });
  expect(judgeCgroups(together, all)).not.toHaveProperty("cpuacct");
});

test("judgeCgroups() finds none where there is none, or none may be used", () => {
  const nothing = judgeCgroups(parseCgroupLayout("", ""), view(0, {}, "/"));
  expect(nothing).toEqual({
    ...{ kind: "none", swap: false, missing: "no control group hierarchy has memory, pids, cpu" },
  });
  const readOnly = judgeCgroups(
    parseCgroupLayout("0::/\n", second),
    view(0, { "/sys/fs/cgroup": "cpu memory pids" }, "/nowhere"),
  );
  expect(readOnly.missing).toBe("no group for memory, pids, cpu can be made in Workcell's own");
});

test("probeCgroups() names only groups that are there", () => {
  const { memory, pids, cpu } = probeCgroups();
  const folders = [memory, pids, cpu].flatMap((parent) => (parent === undefined ? [] : [parent.folder]));
  expect(folders.filter((folder) => !existsSync(`${folder}/cgroup.procs`))).toEqual([]);
});

test("probeLimits() counts the CPUs that Workcell may use, and the memory of the host", () => {
  const { cpuIds, memoryBytes, swapBytes } = probeLimits();
  expect(cpuIds.length).toBeGreaterThan(0);
  expect(memoryBytes).toBeGreaterThan(2 ** 24);
  expect(swapBytes).toBeGreaterThanOrEqual(0);
});

test("parseCpuList() and parseMeminfo() read what the kernel writes", () => {
  expect(parseCpuList("0-2,7,9-10\n")).toEqual([0, 1, 2, 7, 9, 10]);
  expect(parseCpuList("\n")).toEqual([]);
  const text = "MemTotal:       24683876 kB\nMemFree:        1 kB\n";
  expect([parseMeminfo(text, "MemTotal"), parseMeminfo(text, "SwapTotal")]).toEqual([24683876 * 1024, 0]);
});
