import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { watchDisk } from "../../src/supervise/watch-disk.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const MIB = 1024 ** 2;
const limitBytes = 64 * MIB;

/**
 * Two folders on one file system: of their own, where one can be mounted, since what other tests write and free at the
 * same time hides for a while what is written here.
 */
function sessionFolders(): readonly string[] {
  const root = process.getuid?.() === 0 ? ownFileSystem() : tempFolder();
  const folders = ["home", "tmp"].map((name) => path.join(root, name));
  for (const folder of folders) mkdirSync(folder);
  return folders;
}

function ownFileSystem(): string {
  const root = mkdtempSync(path.join(tmpdir(), "workcell-watched-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1g", "none", root]).status === 0;
  onTestFinished(() => {
    if (mounted) spawnSync("umount", ["-l", root]);
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

function run(script: string, cwd: string): ChildProcess {
  const child = spawn("bash", ["-c", script], { cwd, stdio: "ignore", detached: true });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null && child.pid)
      process.kill(-child.pid, "SIGKILL");
  });
  return child;
}

/** Watches while a script runs; resolves to what was used when the limit was passed, or to null at the script's end. */
function watchWhile(script: string, startBytes?: number): Promise<number | null> {
  const folders = sessionFolders();
  const child = run(script, folders[0] ?? "/");
  return new Promise((resolve, reject) => {
    const watch = watchDisk({
      folders,
      limitBytes,
      rootPid: child.pid ?? 0,
      ...(startBytes === undefined ? {} : { startBytes }),
      onExceeded: resolve,
      onLost: reject,
    });
    onTestFinished(() => watch.stop());
    child.once("close", () => setTimeout(() => resolve(null), 300));
  });
}

const write = (name: string, mebibytes: number) =>
  `dd if=/dev/zero of=${name} bs=1M count=${mebibytes} status=none`;

test.each([
  ["one file", `${write("a", 200)}; sleep 45`],
  ["two folders together", `${write("a", 50)}; ${write("../tmp/b", 50)}; sleep 45`],
  ["many small files", "mkdir d; cd d; for i in {1..2500}; do head -c 40000 /dev/zero > $i; done; sleep 45"],
  [
    "a deleted file that is open",
    "exec 5>a; rm a; dd if=/dev/zero bs=1M count=200 status=none >&5; sleep 45",
  ],
])("watchDisk() notices %s above the limit", async (_, script) => {
  const used = await watchWhile(script, 0);
  expect(used).toBeGreaterThan(limitBytes);
  expect(used).toBeLessThan(limitBytes + 300 * MIB);
});

test("watchDisk() notices what lay there before it began", async () => {
  const folders = sessionFolders();
  const before = run(write("a", 100), folders[0] ?? "/");
  await new Promise((resolve) => before.once("close", resolve));
  const used = await new Promise<number>((resolve, reject) => {
    const watch = watchDisk({ folders, limitBytes, rootPid: 0, onExceeded: resolve, onLost: reject });
    onTestFinished(() => watch.stop());
  });
  expect(used).toBeGreaterThanOrEqual(100 * MIB);
});

test.each([
  ["less than the limit", `${write("a", 30)}; sleep 1`],
  ["a sparse file, which uses nothing", "truncate -s 10G a; sleep 1"],
  ["hard links, which are one file", `${write("a", 30)}; for i in 1 2 3 4; do ln a b$i; done; sleep 1`],
  ["what others write on the same disk", `${write("../other", 200)}; sleep 1`],
])("watchDisk() lets %s be", async (_, script) => {
  expect(await watchWhile(script, 0)).toBeNull();
});

test("watchDisk() says when the folders cannot be looked at any more", async () => {
  const folders = sessionFolders();
  const lost = new Promise((resolve, reject) => {
    const watch = watchDisk({ folders, limitBytes, rootPid: 0, onExceeded: reject, onLost: resolve });
    onTestFinished(() => watch.stop());
  });
  for (const folder of folders) rmSync(folder, { recursive: true });
  expect(await lost).toMatchObject({ code: "ENOENT" });
});
