import { expect, test } from "vitest";
import type { PlannedMount } from "../model/index.ts";
import { planEtc } from "./etc-folder.ts";

const bind = (source: string, target = source): PlannedMount => ({
  ...{ kind: "ro-bind", source, target },
  reason: "a reason",
});
const link = (source: string, target: string): PlannedMount => ({
  ...{ kind: "symlink", source, target },
  reason: "as on the host",
});

test("planEtc() gathers what the system shows and what is written for the cell", () => {
  const mounts = [
    bind("/usr"),
    bind("/etc/ssl"),
    link("../usr/lib/os-release", "/etc/os-release"),
    bind("/state/cells/c1/etc/hosts", "/etc/hosts"),
    bind("/etcetera", "/etcetera"),
  ];
  expect(planEtc(mounts, "/tmp")).toEqual({
    etc: {
      scratch: "/tmp/etc",
      links: [{ text: "../usr/lib/os-release", scratch: "/tmp/etc/os-release" }],
      targets: ["/etc/ssl", "/etc/os-release", "/etc/hosts"],
    },
    mounts: [
      { source: "/etc/ssl", scratch: "/tmp/etc/ssl", readOnly: true, system: true },
      { source: "/state/cells/c1/etc/hosts", scratch: "/tmp/etc/hosts", readOnly: true },
    ],
  });
});

test("planEtc() leaves to bwrap what lies in one of them, or over it", () => {
  const over: PlannedMount = { kind: "tmpfs", target: "/etc/ssl/private", reason: "hidden" };
  const mounts = [bind("/etc/ssl"), over, bind("/state/empty", "/etc/ssl"), bind("/etc/vim")];
  expect(planEtc(mounts, "/tmp")?.etc.targets).toEqual(["/etc/ssl", "/etc/vim"]);
});

test.each([
  ["a file system", { kind: "tmpfs", target: "/etc/own" }],
  ["a folder", { kind: "dir", target: "/etc/own" }],
  ["what is written to", { kind: "bind", target: "/etc/own", source: "/own" }],
  ["a connected folder", { kind: "ro-bind", target: "/etc/own", source: "/own", owner: { uid: 1, gid: 1 } }],
  ["a merged folder", { kind: "ro-bind", target: "/etc/own", source: "/own", merged: "l0" }],
  ["what may have gone", { kind: "ro-bind", target: "/etc/own", source: "/own", cover: true }],
] as const)("planEtc() gathers nothing beside %s, which needs a mount point", (_, mount) => {
  expect(planEtc([bind("/etc/ssl"), { ...mount, reason: "asked" }], "/tmp")).toBeUndefined();
});

test("planEtc() of a cell without /etc is none", () => {
  expect(planEtc([bind("/usr")], "/tmp")).toBeUndefined();
});
