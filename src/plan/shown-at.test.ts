import { expect, test } from "vitest";
import type { PlannedMount } from "../model/index.ts";
import { shownAt } from "./shown-at.ts";

const bind = (source: string, target = source): PlannedMount => ({
  kind: "ro-bind",
  source,
  target,
  reason: "a reason",
});

const mounts: readonly PlannedMount[] = [
  bind("/usr"),
  { kind: "symlink", source: "usr/bin", target: "/bin", reason: "a link" },
  { kind: "proc", target: "/proc", reason: "own" },
  bind("/proc/sys"),
  bind("/etc/ssl"),
  bind("/home/ann/tools", "/opt/tools"),
  bind("/state/m0/empty", "/usr/share/hidden"),
  { kind: "tmpfs", target: "/etc/ssl/private", reason: "covered" },
  { kind: "remount-ro", target: "/", reason: "last" },
];

test.each([
  ["/usr/bin/env", "/usr/bin/env"],
  ["/usr", "/usr"],
  ["/proc/sys/kernel", "/proc/sys/kernel"],
  ["/etc/ssl/certs/a.pem", "/etc/ssl/certs/a.pem"],
  ["/home/ann/tools/x", "/opt/tools/x"],
  ["/usrlocal", undefined],
  ["/etc", undefined],
  ["/etc/passwd", undefined],
  ["/proc/version", undefined],
  ["/usr/share/hidden/file", undefined],
  ["/etc/ssl/private/key", undefined],
  ["/", undefined],
])("shownAt() finds %s at %s", (asked, place) => {
  expect(shownAt(mounts, asked)?.place).toBe(place);
});

test("shownAt() names the mount", () => {
  expect(shownAt(mounts, "/etc/ssl/certs")?.mount).toBe(mounts[4]);
});
