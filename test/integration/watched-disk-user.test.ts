import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { tempFolder } from "../helpers/temp-folder.ts";

const MIB = 1024 ** 2;
const limitBytes = 64 * MIB;
const uid = 54321;
const isRoot = process.getuid?.() === 0;
const fixture = path.resolve(import.meta.dirname, "../fixtures/watched-folder.ts");

/** Runs a script in a folder that an ordinary user's Workcell watches. */
async function watched(script: string): Promise<unknown> {
  const folder = tempFolder();
  const [home, program] = [path.join(folder, "home"), path.join(folder, "watched-folder.mjs")];
  mkdirSync(home);
  await build({ entryPoints: [fixture], bundle: true, platform: "node", format: "esm", outfile: program });
  if (isRoot) {
    chmodSync(folder, 0o755);
    chownSync(home, uid, uid);
  }
  const argv = [process.execPath, program, `${limitBytes}`, home, script];
  const drop = ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
  const [file = "", ...args] = isRoot ? [...drop, ...argv] : argv;
  return JSON.parse(execFileSync(file, args, { encoding: "utf8", cwd: "/" }));
}

const hidden = (mebibytes: number) =>
  `mkdir d && dd if=/dev/zero of=d/a bs=1M count=${mebibytes} status=none; chmod 000 d; sleep 3; chmod 700 d`;

test("watchDisk() counts what a folder holds that its owner may not read", async () => {
  expect(
    await watched(`mkdir d; chmod 700 d; exec 5>d/a; chmod 000 d; head -c 200M /dev/zero >&5; sleep 5`),
  ).toEqual({
    code: null,
    usedBytes: expect.any(Number),
    lost: null,
  });
  expect(await watched(hidden(4))).toEqual({ code: 0, usedBytes: null, lost: null });
});
