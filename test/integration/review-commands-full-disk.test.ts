import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { treeOf } from "../helpers/census.ts";
import { said } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people, type RunOptions } from "../helpers/run-workcell.ts";
import { canMountDisks, SmallDisk } from "../helpers/small-disk.ts";

const files = [..."abcdefgh"];

describe.skipIf(!canMountDisks()).each(people)("the disk of Workcell's state is full, as $name", (person) => {
  let desk: Desk;
  let disk: SmallDisk;
  let asked: RunOptions;
  beforeAll(() => {
    desk = makeDesk(person);
    disk = new SmallDisk(path.join(path.dirname(desk.home), "state"), {
      megabytes: 24,
      uid: person.uid ?? process.getuid?.() ?? 0,
    });
    asked = { env: { XDG_STATE_HOME: disk.point } };
  });
  afterAll(() => {
    disk[Symbol.dispose]();
    desk[Symbol.dispose]();
  });

  test("every command ends explained, and what is there goes on when there is room again", async () => {
    const folder = desk.folder("project");
    for (const file of files) desk.file(`project/${file}`, randomBytes(400_000));
    const before = treeOf(folder, "times");
    const script = `for file in ${files.join(" ")}; do head -c 400000 /dev/urandom >$file; done`;
    const ended = await desk.run(["-m", folder, "sh", "-c", script], asked);
    const name = /wait in session (\S+):/.exec(ended.stderr)?.[1] ?? "";
    expect(ended.stderr).toContain(`8 changes wait in session ${name}`);

    disk.fill();
    for (const words of [
      ["diff", name, "--stat"],
      ["apply", name],
      ["undo", name],
      ["undo", "--list", name],
      ["session", "list"],
      ["discard", name, "a"],
      ["session", "gc"],
    ]) {
      const [code, , stderr] = await said(desk, words, asked);
      expect(stderr, words.join(" ")).not.toContain("internal error");
      if (code === 125) expect(stderr).toMatch(/^workcell: .*\n {2}remedy: .+\n$/);
      if (words[0] === "apply") {
        expect([code, stderr]).toEqual([125, expect.stringContaining("ENOSPC")]);
        expect(stderr).toMatch(/remedy: (Free space on the disk|See that the disk has room)/);
      }
    }
    expect(treeOf(folder, "times")).toEqual(before);

    // Room for the originals of some.
    disk.fill(1_300_000);
    const [some, , why] = await said(desk, ["apply", name], asked);
    expect(why).not.toContain("internal error");
    disk.free();
    const [rest, , left] = await said(desk, ["apply", name], asked);
    expect([some, rest, left]).toEqual([1, 0, ""]);
    expect((await said(desk, ["diff", name], asked))[1]).toBe("");
    // Each of them back, step by step, however many there were.
    for (let code: number | null = 0; code === 0; ) [code] = await said(desk, ["undo", name], asked);
    expect(treeOf(folder, "times")).toEqual(before);
  });

  test("what makes room needs none: gc gives up what steps keep, and rm a session", async () => {
    const freeBytes = () => {
      const { bavail, bsize } = statfsSync(disk.point);
      return bavail * bsize;
    };
    const folder = desk.folder("freed");
    for (const session of ["one", "two"]) {
      desk.file(`freed/${session}.bin`, randomBytes(1_000_000));
      // Without a disk of its own.
      const words = ["--session", session, "--waive", "disk", "-m", folder, "sh", "-c", `rm ${session}.bin`];
      expect((await desk.run(words, asked)).code).toBe(0);
      expect((await said(desk, ["apply", session], asked))[0]).toBe(0);
    }
    disk.fill();
    expect(freeBytes()).toBe(0);
    const [removed, , why] = await said(desk, ["session", "rm", "one"], asked);
    expect([removed, why]).toEqual([0, ""]);
    expect(freeBytes()).toBeGreaterThan(1_000_000);
    disk.fill();
    const [collected, , said1] = await said(desk, ["session", "gc", "--older-than", "0s"], asked);
    expect([collected, said1]).toEqual([0, ""]);
    expect(freeBytes()).toBeGreaterThan(1_000_000);
    const [code, , gone] = await said(desk, ["undo", "two"], asked);
    expect([code, gone]).toEqual([125, expect.stringContaining("no step that can be undone")]);
    disk.free();
  });

  test("the control: with room from the start it is one step", async () => {
    const folder = desk.folder("roomy");
    desk.file("roomy/a", "old\n");
    const before = treeOf(folder, "times");
    expect((await desk.run(["-m", folder, "sh", "-c", "echo new >a"], asked)).code).toBe(0);
    expect((await said(desk, ["apply"], { ...asked, cwd: folder }))[0]).toBe(0);
    expect((await said(desk, ["undo"], { ...asked, cwd: folder }))[0]).toBe(0);
    expect(treeOf(folder, "times")).toEqual(before);
  });
});
