import { expect, test } from "vitest";
import { explainStart } from "./explain-start.ts";
import type { HostLimits } from "./host-limits.ts";

const free: HostLimits = {
  ...{ container: undefined, apparmorRestricts: false, cloneDisabled: false },
  maxUserNamespaces: 60_000,
};
const docker: HostLimits = { ...free, container: "docker" };

test.each([
  [
    "bwrap: Can't mount proc on /newroot/proc: Operation not permitted",
    docker,
    /masked/,
    /systempaths=unconfined/,
  ],
  [
    "bwrap: No permissions to create new namespace, likely",
    docker,
    /no user namespaces/,
    /seccomp=unconfined/,
  ],
  [
    "bwrap: Can't set hostname to claude: Operation not permitted",
    docker,
    /filter refuses part of what makes a sandbox/,
    /seccomp=unconfined/,
  ],
  ["bwrap: setting up uid map: Permission denied", free, /AppArmor/, /apparmor_parser/],
  [
    'cellhost: make a private mount namespace "CLONE_NEWNS": Operation not permitted (errno EPERM)',
    docker,
    /CAP_SYS_ADMIN/,
    /docker run --cap-add SYS_ADMIN --cap-add SYS_PTRACE .*; or run Workcell as an ordinary user$/,
  ],
  ['install the filter by "seccomp" (EBUSY)', free, /watches Workcell's own/, /outside of that program/],
] as const)("explainStart(%j)", (text, limits, reason, remedy) => {
  const explained = explainStart(text, limits, "/usr/bin/bwrap");
  expect(explained?.reason).toMatch(reason);
  expect(explained?.remedy).toMatch(remedy);
});

test.each([
  "bwrap: Can't chdir to /home/ann/work: Permission denied",
  "bwrap: Can't find source path /home/ann/gone: No such file or directory",
  'restrict file access by "Landlock" (EPERM)',
])("explainStart() leaves %j as it is said", (text) => {
  expect(explainStart(text, docker, "/usr/bin/bwrap")).toBe(undefined);
});
