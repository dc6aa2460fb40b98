import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { takeAway } from "./take-away.ts";

test("takeAway() removes folders that not even their owner may read", () => {
  const folder = path.join(tempFolder(), "home");
  mkdirSync(path.join(folder, "locked/deep"), { recursive: true });
  writeFileSync(path.join(folder, "locked/deep/file"), "");
  for (const place of ["locked/deep", "locked", "."]) chmodSync(path.join(folder, place), 0);
  takeAway(folder);
  expect(existsSync(folder)).toBe(false);
});

test("takeAway() removes a tree that is deeper than a path can be long", () => {
  const folder = path.join(tempFolder(), "home");
  mkdirSync(folder);
  const name = "d".repeat(200);
  const script = `for i in {1..40}; do mkdir ${name}; cd ${name}; done; touch file`;
  expect(spawnSync("bash", ["-c", script], { cwd: folder }).status).toBe(0);
  takeAway(folder);
  expect(existsSync(folder)).toBe(false);
});

test("takeAway() removes links, and leaves what they lead to as it is", () => {
  const root = tempFolder();
  const [folder, other] = [path.join(root, "home"), path.join(root, "other")];
  for (const place of [folder, other, `${folder}/locked`]) mkdirSync(place);
  writeFileSync(`${other}/file`, "kept", { mode: 0o400 });
  chmodSync(other, 0o711);
  for (const place of [`${folder}/link`, `${folder}/locked/link`]) symlinkSync(other, place);
  chmodSync(`${folder}/locked`, 0);
  takeAway(folder);
  expect([existsSync(folder), readFileSync(`${other}/file`, "utf8"), statSync(other).mode & 0o777]).toEqual([
    false,
    "kept",
    0o711,
  ]);
});

test("takeAway() has nothing to do where nothing is", () => {
  expect(takeAway(path.join(tempFolder(), "none"))).toBe(undefined);
});

/** Exchanges a folder in `home` for a link to `host` and back, as fast as it can, by a descriptor that it keeps. */
const exchange = `
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
print("ready", flush=True)
while True:
    libc.renameat2(-100, b"a", -100, b"b", 2)
`;

test("takeAway() follows no link that is exchanged for a folder while it removes", async () => {
  const root = tempFolder();
  const host = path.join(root, "host");
  const kept = Array.from({ length: 50 }, (_, index) => `f${index}`);
  mkdirSync(host);
  for (const name of kept) writeFileSync(path.join(host, name), "");
  for (const round of [0, 1, 2, 3, 4, 5, 6, 7]) {
    const folder = path.join(root, `home${round}`);
    mkdirSync(path.join(folder, "a"), { recursive: true });
    symlinkSync(host, path.join(folder, "b"));
    // The last rounds are too large to be removed without rm.
    for (let index = 0; index < (round < 4 ? 50 : 600); index++)
      writeFileSync(path.join(folder, "a", `f${index}`), "");
    const child = spawn("python3", ["-c", exchange, folder], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    takeAway(folder);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect([existsSync(folder), readdirSync(host).length]).toEqual([false, kept.length]);
  }
  expect(readdirSync(root)).toEqual(["host"]);
});
