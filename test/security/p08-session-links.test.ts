import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

// What a durable session keeps is an earlier command's to lay out: links in it must lead the next start nowhere.
describe.each(people)("links that an earlier command laid, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("a mount point behind a link of the session's home is refused, and nothing is made behind it", async () => {
    const work = desk.folder("work");
    const victim = desk.folder("victim");
    const base = ["--profile", "cowork", "--session", "laid-links"];
    // Where bwrap sees the host while it builds a cell.
    expect((await desk.run([...base, "ln", "-s", `/oldroot${victim}`, "mnt"])).code).toBe(0);
    const second = await desk.run([...base, "-m", `${work}:work:rw`, "echo", "ran"]);
    expect([second.code, second.stdout]).toEqual([125, ""]);
    expect(second.stderr).toContain("something else than a folder on the way");
    expect(readdirSync(victim)).toEqual([]);
    // The control: a folder in its place is no obstacle.
    const other = ["--profile", "cowork", "--session", "laid-folder"];
    expect((await desk.run([...other, "mkdir", "mnt"])).code).toBe(0);
    writeFileSync(path.join(work, "seen"), "yes");
    const third = await desk.run([...other, "-m", `${work}:work:rw`, "cat", "mnt/work/seen"]);
    expect([third.code, third.stdout]).toEqual([0, "yes"]);
  });

  test("the same in /tmp, where a connected folder may lie", async () => {
    const victim = desk.folder("victim-two");
    const inTmp = path.join("/tmp", `workcell-test-${process.pid}`, "deep");
    mkdirSync(inTmp, { recursive: true, mode: 0o755 });
    const base = ["--session", "laid-tmp"];
    const link = ["ln", "-s", `/oldroot${victim}`, path.dirname(inTmp)];
    expect((await desk.run([...base, ...link])).code).toBe(0);
    const second = await desk.run([...base, "-m", `${inTmp}:ro`, "echo", "ran"]);
    expect([second.code, second.stdout]).toEqual([125, ""]);
    expect(readdirSync(victim)).toEqual([]);
    rmSync(path.dirname(inTmp), { recursive: true });
  });
});
