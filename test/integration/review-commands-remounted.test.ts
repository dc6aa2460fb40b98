import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { treeOf } from "../helpers/census.ts";
import { changed, said } from "../helpers/reviewed.ts";
import { makeDesk, people } from "../helpers/run-workcell.ts";
import { canMountDisks, SmallDisk } from "../helpers/small-disk.ts";

const holders: ChildProcess[] = [];
afterEach(async () => {
  for (const holder of holders.splice(0)) {
    const ended = once(holder, "exit");
    holder.kill("SIGKILL");
    await ended;
  }
});

describe.skipIf(!canMountDisks()).each(people)("a folder whose disk is mounted anew, as $name", (person) => {
  test("keeps what waits and what can be undone; another folder in its place does not get them", async () => {
    using desk = makeDesk(person);
    const point = path.join(path.dirname(desk.home), "disk");
    using disk = new SmallDisk(point, { megabytes: 24, uid: person.uid ?? process.getuid?.() ?? 0 });
    const folder = path.join(point, "project");
    const make = (text: string) => {
      mkdirSync(folder);
      writeFileSync(path.join(folder, "a"), text);
      const { uid } = person;
      if (uid !== undefined) for (const made of [folder, path.join(folder, "a")]) chownSync(made, uid, uid);
    };
    make("before\n");
    const before = treeOf(folder, "times");
    const name = await changed(desk, folder, "echo after > a; echo new > b");

    // Somebody else's cell may have the disk in a mount namespace of its own.
    const first = statSync(folder).dev;
    holders.push(spawn("unshare", ["-m", "sleep", "60"]));
    disk.remount();
    expect(statSync(folder).dev).not.toBe(first);
    expect(await said(desk, ["diff", name])).toEqual([0, expect.stringContaining("+after"), ""]);
    expect(await said(desk, ["apply", name])).toEqual([0, expect.stringContaining("Applied 2 changes"), ""]);
    expect(readFileSync(path.join(folder, "a"), "utf8")).toBe("after\n");

    disk.remount();
    expect(await said(desk, ["undo", name])).toEqual([0, expect.stringContaining("Undid"), ""]);
    expect(treeOf(folder, "times")).toEqual(before);

    // Control: what stands there now is another folder, and no number says otherwise.
    const other = await changed(desk, folder, "echo after > a");
    renameSync(folder, `${folder}-moved`);
    make("another's\n");
    disk.remount();
    expect((await said(desk, ["apply", other]))[2]).toContain("another folder stands there");
    expect(readFileSync(path.join(folder, "a"), "utf8")).toBe("another's\n");
  });
});

// Who asks makes no difference to which disk it is.
describe.skipIf(!canMountDisks()).each(people.slice(-1))(
  "a whole disk that is connected, as $name",
  (person) => {
    test("is told from another one in its place, whose number and whose top folder's inode are the same", async () => {
      using desk = makeDesk(person);
      const { uid = process.getuid?.() ?? 0 } = person;
      using disk = new SmallDisk(path.join(path.dirname(desk.home), "stick"), { megabytes: 24, uid });
      const file = path.join(disk.point, "a");
      const write = (text: string) => {
        writeFileSync(file, text);
        chownSync(file, uid, uid);
      };
      write("before\n");
      const applied = await changed(desk, disk.point, "echo after > a");
      expect((await said(desk, ["apply", applied]))[0]).toBe(0);
      const waits = await changed(desk, disk.point, "rm a");
      const { ino } = statSync(disk.point);

      disk.replace();
      write("another's\n");
      expect(statSync(disk.point).ino).toBe(ino);
      for (const words of [
        ["apply", waits],
        ["undo", applied],
      ])
        expect(await said(desk, words)).toEqual([
          125,
          "",
          expect.stringContaining("another folder stands there"),
        ]);
      expect(readFileSync(file, "utf8")).toBe("another's\n");
    });
  },
);
