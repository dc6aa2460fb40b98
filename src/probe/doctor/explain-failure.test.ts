import { expect, test } from "vitest";
import { explainFailure } from "./explain-failure.ts";
import type { HostLimits } from "./host-limits.ts";

const free: HostLimits = {
  container: undefined,
  apparmorRestricts: false,
  cloneDisabled: false,
  maxUserNamespaces: 60_000,
};

const refused =
  "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces. See <https://deb.li/bubblewrap> or <file:///usr/share/doc/bubblewrap/README.Debian.gz>.";
const full =
  "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)";
const masked = "bwrap: Can't mount proc on /newroot/proc: Operation not permitted";

test.each([
  [
    "bwrap: setting up uid map: Permission denied",
    { apparmorRestricts: true },
    /AppArmor/,
    /apparmor_parser -r/,
  ],
  [
    "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
    { apparmorRestricts: true },
    /AppArmor/,
    /profile workcell-bwrap \/opt\/bwrap flags=\(unconfined\)/,
  ],
  [
    "unshare: write failed /proc/self/uid_map: Operation not permitted",
    { apparmorRestricts: true },
    /AppArmor/,
    /apparmor_parser/,
  ],
  ["bwrap: setting up uid map: Permission denied", {}, /AppArmor/, /apparmor_parser -r/],
  [
    "bwrap: setting up uid map: Permission denied",
    { container: "docker" },
    /container has no user namespaces/,
    /--security-opt apparmor=unconfined/,
  ],
  [
    masked,
    { container: "docker" },
    /\/proc is masked/,
    /^Start the container with: docker run .*--security-opt systempaths=unconfined$/,
  ],
  [masked, { container: "podman" }, /\/proc is masked/, /podman run .*unmask=ALL/],
  [masked, { container: "kubernetes" }, /\/proc is masked/, /procMount: Unmasked/],
  [masked, {}, /\/proc is masked/, /systempaths=unconfined/],
  [refused, { container: "docker" }, /container has no user namespaces/, /--security-opt seccomp=unconfined/],
  [refused, { cloneDisabled: true }, /for root only/, /sysctl -w kernel.unprivileged_userns_clone=1$/],
  [refused, {}, /the kernel refuses/, /dmesg/],
  [full, { maxUserNamespaces: 0 }, /switched off/, /sysctl -w user.max_user_namespaces=65536$/],
  [full, {}, /not available here/, /outside of the sandbox/],
  ["unshare: unshare failed: No space left on device", {}, /not available here/, /outside of the sandbox/],
  ["bwrap: Unknown option --disable-userns", {}, /does not know --disable-userns/, /0\.8\.0/],
  ["bwrap: execvp /bin/sh: No such file or directory", {}, /^bwrap: execvp/, /by hand/],
  ["", {}, /without a word/, /by hand/],
] as const)("explainFailure(%j, %j)", (text, limits, reason, remedy) => {
  const explained = explainFailure(text, { ...free, ...limits }, "/opt/bwrap");
  expect(explained.reason).toMatch(reason);
  expect(explained.remedy).toMatch(remedy);
});
