import { expect, test } from "vitest";
import { parentsOf, parseCgroupLayout } from "./cgroup-layout.ts";

const mount = (root: string, point: string, type: string, options: string) =>
  `30 29 0:26 ${root} ${point} rw,nosuid - ${type} ${type} rw,${options}`;

test("parseCgroupLayout() finds the own group of version 2", () => {
  const mountinfo = mount("/", "/sys/fs/cgroup", "cgroup2", "nsdelegate");
  const place = {
    version: 2,
    own: "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope",
    top: "/sys/fs/cgroup",
  };
  const layout = parseCgroupLayout("0::/user.slice/user-1000.slice/session-2.scope\n", mountinfo);
  expect(layout).toEqual({ memory: place, pids: place, cpu: place, cpuacct: place, hybrid: false });
  expect(layout.memory && parentsOf(layout.memory)).toEqual([
    "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope",
    "/sys/fs/cgroup/user.slice/user-1000.slice",
    "/sys/fs/cgroup/user.slice",
    "/sys/fs/cgroup",
  ]);
});

test("parseCgroupLayout() finds version 1 first where both are mounted, and only the own group to make one in", () => {
  const mountinfo = [
    mount("/", "/sys/fs/cgroup/memory", "cgroup", "memory"),
    mount("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "cpu,cpuacct"),
    mount("/", "/sys/fs/cgroup/unified", "cgroup2", "relatime"),
  ].join("\n");
  const layout = parseCgroupLayout("4:memory:/job/7\n1:cpu,cpuacct:/\n0::/\n", mountinfo);
  const memory = { version: 1, own: "/sys/fs/cgroup/memory/job/7", top: "/sys/fs/cgroup/memory" } as const;
  const pids = { version: 2, own: "/sys/fs/cgroup/unified", top: "/sys/fs/cgroup/unified" };
  const cpu = { version: 1, own: "/sys/fs/cgroup/cpu,cpuacct", top: "/sys/fs/cgroup/cpu,cpuacct" };
  expect(layout).toEqual({ memory, pids, cpu, cpuacct: cpu, hybrid: true });
  expect(parentsOf(memory)).toEqual(["/sys/fs/cgroup/memory/job/7"]);
});

test("parseCgroupLayout() knows a container's mount, which shows part of the hierarchy, and escaped names", () => {
  const mountinfo = mount("/docker/a\\040b", "/sys/fs/cgroup/memory", "cgroup", "memory");
  expect(parseCgroupLayout("4:memory:/docker/a b/c\n", mountinfo).memory?.own).toBe(
    "/sys/fs/cgroup/memory/c",
  );
  expect(parseCgroupLayout("4:memory:/other\n", mountinfo).memory?.own).toBe("/sys/fs/cgroup/memory");
});

test("parseCgroupLayout() finds nothing where nothing is mounted", () => {
  expect(parseCgroupLayout("0::/\n", "")).toEqual({ hybrid: false });
});
