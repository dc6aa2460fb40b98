import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  attachDisk,
  createDisk,
  detachDisk,
  hasDisk,
  removeDisk,
  sweepDisks,
  wantsDisk,
} from "../../src/session/disk.ts";
import { canMakeDisks } from "../../src/session/disk-image.ts";
import { readDiskSpace } from "../../src/supervise/disk-usage.ts";
import { failureOf } from "../helpers/failure.ts";
import { from, settings } from "../helpers/plan-input.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const MIB = 1024 ** 2;
const uid = 54321;
const needsDisks = test.skipIf(!canMakeDisks(process.getuid?.() ?? 1));

/** A session's folder as the store makes it, with or without a disk. */
function session(bytes?: number): { folder: string; sessions: string; cacheFolder: string } {
  const root = tempFolder();
  const [sessions, cacheFolder] = [path.join(root, "sessions"), path.join(root, "cache")];
  const folder = path.join(sessions, "brave-loving-maxwell");
  for (const name of ["home", "tmp"]) mkdirSync(path.join(folder, name), { recursive: true });
  onTestFinished(() => removeDisk(folder));
  if (bytes !== undefined) createDisk({ folder, cacheFolder, bytes, uid });
  return { folder, sessions, cacheFolder };
}

const mountsIn = (folder: string) =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder)).length;
const loopsOf = (folder: string) =>
  execFileSync("losetup", ["-a"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(folder)).length;

/** The kernel lets a loop device go a moment after its last mount. */
const noLoops = (folder: string) => expect.poll(() => loopsOf(folder), { timeout: 5000 }).toBe(0);

const asUser = (script: string, cwd: string) =>
  spawnSync("setpriv", ["--reuid", "54321", "--regid", "54321", "--clear-groups", "sh", "-c", script], {
    cwd,
    encoding: "utf8",
  });

needsDisks("a session's disk is full at its size, for home and tmp together, and the host's is not", () => {
  const { folder } = session(32 * MIB);
  const home = path.join(folder, "home");
  execFileSync("chmod", ["-R", "a+x", path.dirname(path.dirname(folder))]);
  const fill = asUser("dd if=/dev/zero of=a bs=1M count=64 status=none", home);
  expect(fill.stderr).toMatch(/No space left on device/);
  expect(statSync(path.join(home, "a")).size).toBeLessThan(32 * MIB);
  expect(asUser("dd if=/dev/zero of=b bs=1M count=8 status=none", path.join(folder, "tmp")).status).toBe(1);
  expect(readDiskSpace(home).freeBytes).toBeLessThan(MIB);
  expect(readDiskSpace(folder).freeBytes).toBeGreaterThan(MIB);
  const control = session();
  expect(spawnSync("dd", ["if=/dev/zero", `of=${control.folder}/home/a`, "bs=1M", "count=64"]).status).toBe(
    0,
  );
});

needsDisks("a disk of 10 GB uses next to nothing of the host, and belongs to the session's user", () => {
  const { folder } = session(10_000_000_000);
  expect(statSync(path.join(folder, "disk.ext4")).blocks * 512).toBeLessThan(16 * MIB);
  const { usedBytes, freeBytes } = readDiskSpace(path.join(folder, "home"));
  expect(usedBytes + freeBytes).toBeGreaterThan(9_500_000_000);
  expect(usedBytes + freeBytes).toBeLessThanOrEqual(10_000_000_000);
  const { uid: owner, mode } = statSync(path.join(folder, "tmp"));
  expect([owner, mode & 0o7777]).toEqual([uid, 0o1777]);
});

needsDisks(
  "what lies on the disk stays while it is not mounted, and no mount or loop device does",
  async () => {
    const { folder } = session(32 * MIB);
    writeFileSync(path.join(folder, "home/kept"), "kept");
    detachDisk(folder, () => true);
    expect(mountsIn(folder)).toBe(3);
    detachDisk(folder, () => false);
    expect(mountsIn(folder)).toBe(0);
    await noLoops(folder);
    expect(existsSync(path.join(folder, "home/kept"))).toBe(false);
    attachDisk(folder, uid);
    attachDisk(folder, uid);
    expect([mountsIn(folder), loopsOf(folder)]).toEqual([3, 1]);
    expect(readFileSync(path.join(folder, "home/kept"), "utf8")).toBe("kept");
    removeDisk(folder);
    expect([mountsIn(folder), hasDisk(folder)]).toEqual([0, false]);
    await noLoops(folder);
  },
);

needsDisks("sweepDisks() unmounts what killed Workcells left, and nothing that a cell runs in", async () => {
  const { folder, sessions } = session(32 * MIB);
  sweepDisks(sessions, (name) => name === "brave-loving-maxwell");
  expect(mountsIn(folder)).toBe(3);
  sweepDisks(sessions, () => false);
  expect([mountsIn(folder), hasDisk(folder)]).toEqual([0, true]);
  await noLoops(folder);
});

needsDisks("a busy disk goes with its last user", async () => {
  const { folder } = session(32 * MIB);
  const cwd = process.cwd();
  process.chdir(path.join(folder, "home"));
  try {
    removeDisk(folder);
    expect([mountsIn(folder), hasDisk(folder)]).toEqual([0, false]);
  } finally {
    process.chdir(cwd);
  }
  await noLoops(folder);
});

needsDisks("a template that somebody else could have written is made anew", () => {
  const { cacheFolder, folder } = session();
  mkdirSync(cacheFolder);
  const template = path.join(cacheFolder, `session-disk-1-${32 * MIB}.ext4`);
  writeFileSync(template, "not ext4", { mode: 0o666 });
  execFileSync("chmod", ["666", template]);
  createDisk({ folder, cacheFolder, bytes: 32 * MIB, uid });
  expect(mountsIn(folder)).toBe(3);
  expect(statSync(template).mode & 0o777).toBe(0o600);
});

needsDisks("a disk that cannot be made leaves nothing", async () => {
  const { folder, cacheFolder } = session();
  const failure = await failureOf(() => createDisk({ folder, cacheFolder, bytes: 1024, uid }));
  expect(failure).toMatchObject({ code: "WC_SESSION", message: expect.stringMatching(/mkfs\.ext4/) });
  expect([mountsIn(folder), hasDisk(folder), existsSync(path.join(folder, "disk"))]).toEqual([
    0,
    false,
    false,
  ]);
});

test("wantsDisk() for root's sessions that stay, unless it is waived", () => {
  const stays = { ...settings, session: from("a") };
  expect([
    wantsDisk(settings, 0),
    wantsDisk(stays, 0),
    wantsDisk({ ...stays, waive: [from("disk" as const)] }, 0),
    wantsDisk(stays, 1000),
  ]).toEqual([false, canMakeDisks(0), false, false]);
});
