import { chownSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { treeOf } from "../helpers/census.ts";
import { changed, said } from "../helpers/reviewed.ts";
import { makeDesk, people } from "../helpers/run-workcell.ts";
import { canMountDisks, SmallDisk } from "../helpers/small-disk.ts";

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

    disk.remount();
    expect((await said(desk, ["diff", name]))[1]).toContain("+after");
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
