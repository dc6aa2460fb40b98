import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  attachDisk,
  createDisk,
  detachDisk,
  detachStray,
  hasDisk,
  removeDisk,
  strayDisks,
  wantsDisk,
} from "../../src/session/disk.ts";
import { canMakeDisks } from "../../src/session/disk-image.ts";
import { readDiskSpace } from "../../src/supervise/disk-usage.ts";
import { failureOf } from "../helpers/failure.ts";
import { from, settings } from "../helpers/plan-input.ts";
import { makeDesk, people } from "../helpers/run-workcell.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const MIB = 1024 ** 2;
const uid = 54321;
const needsDisks = test.skipIf(!canMakeDisks(process.getuid?.() ?? 1));

/** A session's folder as the store makes it, with or without a disk. */
function session(bytes?: number): { folder: string; state: string; cacheFolder: string } {
  const state = tempFolder();
  const cacheFolder = path.join(state, "cache");
  const folder = path.join(state, "sessions/brave-loving-maxwell");
  for (const name of ["home", "tmp"]) mkdirSync(path.join(folder, name), { recursive: true });
  onTestFinished(() => removeDisk(folder));
  if (bytes !== undefined) createDisk({ folder, cacheFolder, bytes, uid });
  return { folder, state, cacheFolder };
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
    detachDisk(folder);
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

const detachUnused = (state: string, isUsed: (name: string) => boolean) =>
  detachStray(state, strayDisks(state, readFileSync("/proc/self/mountinfo", "utf8"), isUsed), isUsed);

needsDisks("detachStray() unmounts what killed Workcells left, and nothing that a cell runs in", async () => {
  const { folder, state } = session(32 * MIB);
  detachUnused(state, (name) => name === "brave-loving-maxwell");
  expect(mountsIn(folder)).toBe(3);
  detachUnused(state, () => false);
  expect([mountsIn(folder), hasDisk(folder)]).toEqual([0, true]);
  await noLoops(folder);
});

needsDisks("detachStray() unmounts what is left of a disk whose image is gone", async () => {
  const { folder, state } = session(32 * MIB);
  rmSync(path.join(folder, "disk.ext4"));
  detachUnused(state, () => false);
  expect(mountsIn(folder)).toBe(0);
  await noLoops(folder);
});

needsDisks(
  "a new session that twelve runs open at once has one disk, and keeps what each of them wrote",
  async () => {
    const root = people.find(({ name }) => name === "root");
    if (root === undefined) throw new Error("there is no root among the people");
    using desk = makeDesk(root);
    const numbers = Array.from({ length: 12 }, (_, index) => index);
    const run = (script: string) => desk.run(["--session", "twelve-at-once", "sh", "-c", script]);
    const ended = await Promise.all(numbers.map((n) => run(`echo data >~/f${n}; sleep 0.2`)));
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(numbers.map(() => [0, ""]));
    const sessions = path.join(desk.state, "sessions");
    expect(mountsIn(sessions)).toBe(0);
    expect(hasDisk(path.join(sessions, "twelve-at-once"))).toBe(true);
    await noLoops(sessions);
    const { stdout } = await run("cd; cat f* | grep -c data; ls -d f* | wc -l");
    expect(stdout).toBe("12\n12\n");
    expect(mountsIn(sessions)).toBe(0);
    await noLoops(sessions);
    expect(["locks", "running"].map((name) => readdirSync(path.join(desk.state, name)))).toEqual([[], []]);
  },
);

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
