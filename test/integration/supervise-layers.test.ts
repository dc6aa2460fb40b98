import { spawn } from "node:child_process";
import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/supervised.ts";

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
});
afterAll(() => programs[Symbol.dispose]());

const stranger = 54_321;
const isRoot = process.getuid?.() === 0;
const ways = isRoot
  ? [
      { name: "root", uid: 0 },
      { name: "an ordinary user", uid: stranger },
    ]
  : [{ name: "an ordinary user", uid: process.getuid?.() ?? 0 }];

describe.each(ways)("cellhost supervise with a layer, started by $name", ({ uid }) => {
  /** A folder and a layer of its owner's; `inode` is added to the one that it has. */
  async function supervise(number: number, inode: bigint, script: string) {
    const place = path.join(programs.place.path, `${uid}-${number}`);
    const made = ["", "lower", "layers", "layers/1", "layers/1/upper", "layers/1/work", "layers/scratch"];
    for (const name of made) mkdirSync(path.join(place, name));
    const files = ["lower/file", "layers/lock", "layers/1/lock"];
    for (const name of files) writeFileSync(path.join(place, name), "below\n");
    for (const name of [...made, ...files]) chownSync(path.join(place, name), uid, uid);
    const at = (name: string) => path.join(place, name);
    const { dev, ino } = statSync(at("lower"), { bigint: true });
    const layer = [
      "--layer",
      "merged-1",
      at("lower"),
      `${dev}`,
      `${ino + inode}`,
      at("layers/1"),
      `${uid}`,
      `${uid}`,
    ];
    const drop = uid === 0 ? ["--uid", `${stranger}`, "--gid", `${stranger}`] : [];
    const words = [
      "supervise",
      ...drop,
      "--scratch",
      at("layers/scratch"),
      "--layers",
      at("layers"),
      ...layer,
    ];
    const child = spawn(
      programs.cellhost,
      [...words, "--", "/bin/sh", "-c", `cd ${at("layers/scratch/merged-1")}; ${script}`],
      {
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        ...(isRoot && uid !== 0 ? { uid, gid: uid } : {}),
      },
    );
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => text(stream as Readable));
    const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    return { code, stdout: await stdout, stderr: await stderr };
  }

  test("merges the folder that was decided on (control)", async () => {
    expect(await supervise(1, 0n, "cat file; echo new >new; ls")).toEqual({
      ...{ code: 0, stderr: "" },
      stdout: "below\nfile\nnew\n",
    });
  });

  test("refuses another folder in its place, and starts nothing", async () => {
    const { code, stdout, stderr } = await supervise(2, 1n, "echo started");
    expect([code, stdout]).toEqual([123, ""]);
    expect(stderr).toMatch(/^cellhost: find the folder that was decided on ".*\/lower": .*ESTALE/);
  });

  test("neither the program nor who supervises it has a capability left, in whatever namespace", async () => {
    const capabilities =
      "grep -hE '^Cap(Eff|Prm|Inh|Amb)' /proc/$PPID/status /proc/self/status | cut -f2 | sort -u";
    // Root is given up when the program has been started.
    const script = `sleep 0.5; ${capabilities}; mount -t tmpfs none . 2>/dev/null || echo refused`;
    expect((await supervise(3, 0n, script)).stdout).toBe("0000000000000000\nrefused\n");
  });
});
