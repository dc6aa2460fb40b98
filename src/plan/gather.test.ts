import { expect, test } from "vitest";
import type { PlannedMount } from "../model/index.ts";
import { gatherMounts, linksToPrograms } from "./gather.ts";

const because = { reason: "a reason" };
const bind = (source: string, target = source): PlannedMount => ({
  ...{ kind: "ro-bind", source, target },
  ...because,
});
const link = (source: string, target: string): PlannedMount => ({
  ...{ kind: "symlink", source, target },
  ...because,
});
const dev: PlannedMount = { kind: "dev", target: "/dev", ...because };
const readOnly: PlannedMount = { kind: "remount-ro", target: "/", ...because };

const targetsOf = (mounts: readonly PlannedMount[]) =>
  gatherMounts(mounts, "").gathered.map(({ target, targets }) => [target, ...targets]);

test("gatherMounts() puts together what stands alone: the root, and /etc by itself", () => {
  const mounts = [
    bind("/usr"),
    bind("/etc/ssl"),
    link("../usr/lib/os-release", "/etc/os-release"),
    { kind: "dir", target: "/run", ...because } as const,
    { ...bind("/state/home", "/sessions/x"), kind: "bind" } as const,
    { ...bind("/srv/job"), owner: { uid: 1, gid: 2 } },
    bind("/state/cells/c1/etc/hosts", "/etc/hosts"),
    bind("/state/cellinit", "/run/workcell/cellinit"),
    readOnly,
  ];
  expect(gatherMounts(mounts, "/tmp")).toEqual({
    gathered: [
      {
        ...{ target: "/", scratch: "/tmp/root", kind: "bind" },
        targets: ["/usr", "/sessions/x", "/srv/job", "/run/workcell/cellinit"],
      },
      {
        ...{ target: "/etc", scratch: "/tmp/etc", kind: "ro-bind" },
        targets: ["/etc/ssl", "/etc/os-release", "/etc/hosts"],
      },
    ],
    mounts: [
      { source: "/usr", scratch: "/tmp/root/usr", readOnly: true, system: true },
      { source: "/state/home", scratch: "/tmp/root/sessions/x", readOnly: false },
      { source: "/srv/job", scratch: "/tmp/root/srv/job", readOnly: true, owner: { uid: 1, gid: 2 } },
      { source: "/state/cellinit", scratch: "/tmp/root/run/workcell/cellinit", readOnly: true },
      { source: "/etc/ssl", scratch: "/tmp/etc/ssl", readOnly: true, system: true },
      { source: "/state/cells/c1/etc/hosts", scratch: "/tmp/etc/hosts", readOnly: true },
    ],
    folders: ["/tmp/root"],
    links: [{ text: "../usr/lib/os-release", scratch: "/tmp/etc/os-release" }],
  });
});

test("gatherMounts() makes a /dev with terminals of the cell's own", () => {
  const { gathered, mounts, links, folders, terminals } = gatherMounts([dev], "/tmp");
  expect(gathered.at(1)).toEqual({
    ...{ target: "/dev", scratch: "/tmp/dev", targets: ["/dev"] },
    kind: "dev-bind",
  });
  expect(mounts.map(({ source }) => source.slice(5))).toEqual("null zero full random urandom tty".split(" "));
  expect(mounts.at(0)).toEqual({
    ...{ source: "/dev/null", scratch: "/tmp/dev/null", readOnly: false, devices: true },
  });
  expect(links).toContainEqual({ text: "pts/ptmx", scratch: "/tmp/dev/ptmx" });
  expect({ folders, terminals }).toEqual({ folders: ["/tmp/root", "/tmp/dev"], terminals: "/tmp/dev/pts" });
});

test.each([
  ["below a mount", bind("/own", "/usr/share/own")],
  ["below a file system of the cell's", bind("/own", "/dev/own")],
  ["below a link", bind("/own", "/bin/own")],
  ["at the place of another", bind("/own", "/usr")],
  ["that may have gone", { ...bind("/own"), cover: true } as const],
  ["that is merged first", { ...bind("/own"), merged: "l0" }],
  ["of which a copy is shown", { ...bind("/own"), copy: "/state/copy" }],
  ["of another kind", { kind: "tmpfs", target: "/own", ...because } as const],
] as const)("gatherMounts() leaves to bwrap what is %s", (_, mount) => {
  const [root = []] = targetsOf([bind("/usr"), bind("/opt"), link("usr/bin", "/bin"), dev, mount, readOnly]);
  expect(root).toContain("/opt");
  expect(root.slice(1)).not.toContain(mount.target === "/usr" ? "/usr" : mount.target);
});

test.each([
  ["a file system", { kind: "tmpfs", target: "/etc/own" }],
  ["a folder", { kind: "dir", target: "/etc/own" }],
  ["a merged folder", { kind: "ro-bind", target: "/etc/own", source: "/own", merged: "l0" }],
  ["what lies in another", { kind: "tmpfs", target: "/etc/ssl/private" }],
] as const)(
  "gatherMounts() makes /etc no mount of its own beside %s, which needs a mount point",
  (_, mount) => {
    const mounts = [bind("/etc/ssl"), bind("/etc/vim"), { ...mount, ...because }];
    expect(targetsOf(mounts)).toEqual([["/", "/etc/ssl", "/etc/vim"]]);
  },
);

test("linksToPrograms() leads to programs, their libraries and the loader's list", () => {
  const mounts = [bind("/usr"), bind("/lib64"), link("usr/bin", "/bin"), bind("/srv"), bind("/etc/ssl")];
  const links = (program: string, all = mounts) => linksToPrograms(program, all, gatherMounts(all, ""));
  const own = [
    { text: "usr/bin", scratch: "/bin" },
    { text: "root/usr", scratch: "/usr" },
    { text: "root/lib64", scratch: "/lib64" },
  ];
  expect(links("/usr/bin/bwrap")).toEqual(own);
  const beside = [...mounts, { kind: "tmpfs", target: "/etc/own", ...because } as const];
  expect(links("/usr/bin/bwrap", beside)).toEqual([...own, { text: "root/etc", scratch: "/etc" }]);
  expect(links("/srv/bin/bwrap")).toBeUndefined();
  expect(links("/home/ann/bin/bwrap")).toBeUndefined();
});
