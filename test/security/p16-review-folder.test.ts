import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** What a hostile or foolish command does to a folder that it may write to. */
const ravage = `
  for f in $(find . -type f); do : > "$f"; done
  rm -rf photos; ln -s /etc letters.lnk; mv letters elsewhere 2>/dev/null || cp -r letters elsewhere
  chmod -R 0 elsewhere; mkdir -p .git/hooks; echo evil > .git/hooks/post-checkout; chmod 755 .git/hooks/post-checkout
  touch -d 2001-01-01 notes; setfattr -n user.mark -v x notes 2>/dev/null; true
`;

describe.each(people)("P16: a folder in review, of $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const fill = async (name: string) => {
    const folder = desk.folder(`work/${name}`);
    await desk.outside(
      [
        "bash",
        "-euc",
        "mkdir photos letters; seq 1 9999 > photos/one; echo dear > letters/a; echo n > notes",
      ],
      { cwd: folder },
    );
    return folder;
  };
  /** Names, kinds, bits, owners, times and content. */
  const treeOf = (folder: string) =>
    execFileSync(
      "bash",
      ["-c", "find . -printf '%P %y %m %U %T@ %s\\n' | sort; find . -type f | sort | xargs sha256sum"],
      {
        cwd: folder,
        encoding: "utf8",
      },
    );

  test("stays as it is, to the bit, whatever the command does; in rw it does not (control)", async () => {
    const [reviewed, live] = [await fill("reviewed"), await fill("live")];
    const before = treeOf(reviewed);
    expect((await desk.run(["-m", reviewed, "-w", reviewed, "bash", "-c", ravage])).code).toBe(0);
    expect(treeOf(reviewed)).toBe(before);
    const untouched = treeOf(live);
    await desk.run(["-m", `${live}:rw`, "-w", live, "bash", "-c", ravage]);
    expect(treeOf(live)).not.toBe(untouched);
  });

  test("what the host lays in a changed file's way is not followed; a copy by name follows it (control)", async () => {
    const folder = await fill("swapped");
    const outside = desk.folder("outside");
    await desk.run(["-m", folder, "-w", folder, "bash", "-c", "echo theirs > letters/a"]);
    const swap = `mv letters kept; ln -s ${outside} letters; cp kept/a ${outside}/a`;
    await desk.outside(["bash", "-euc", swap], { cwd: folder });
    const applied = await desk.workcell(["apply", path.join(folder, "letters/a")]);
    const look = ["bash", "-c", `cat ${outside}/a kept/a; readlink letters`];
    expect([applied.code, (await desk.outside(look, { cwd: folder })).stdout]).toEqual([
      1,
      `dear\ndear\n${outside}\n`,
    ]);
    const control = await desk.outside(["bash", "-c", `echo theirs > letters/a; cat ${outside}/a`], {
      cwd: folder,
    });
    expect(control.stdout).toBe("theirs\n");
  });

  test.skipIf(person.uid !== undefined || process.getuid?.() !== 0)(
    "a file of somebody else's in it stays theirs when the command moves it; a cell cannot read it then either",
    async () => {
      const folder = desk.folder("work/owners");
      execFileSync("bash", ["-euc", "echo secret > theirs; chmod 600 theirs; chown 4321:4321 ."], {
        cwd: folder,
      });
      expect((await desk.run(["-m", `${folder}:auto`, "-w", folder, "mv", "theirs", "moved"])).code).toBe(0);
      await desk.workcell(["apply"], { cwd: folder });
      const owner = execFileSync("stat", ["-c", "%u:%g %a", path.join(folder, "moved")], {
        encoding: "utf8",
      });
      expect(owner).toBe("0:0 600\n");
      const seen = await desk.run(["-m", `${folder}:ro`, "cat", path.join(folder, "moved")]);
      expect([seen.code, seen.stdout]).toEqual([1, ""]);
      // Control: given to the folder's owner, as it was before, the cell reads it.
      execFileSync("chown", ["4321:4321", path.join(folder, "moved")]);
      const read = await desk.run(["-m", `${folder}:ro`, "cat", path.join(folder, "moved")]);
      expect(read.stdout).toBe("secret\n");
    },
  );

  test("after apply and undo it is what it was", async () => {
    const folder = await fill("undone");
    const sums = () =>
      execFileSync(
        "bash",
        ["-c", "find . -printf '%P %y %m %U %l\\n' | sort; find . -type f | sort | xargs sha256sum"],
        {
          cwd: folder,
          encoding: "utf8",
        },
      );
    const before = sums();
    await desk.run([
      "-m",
      folder,
      "-w",
      folder,
      "bash",
      "-c",
      "rm -r photos; echo more >> notes; chmod 700 letters",
    ]);
    expect((await desk.workcell(["apply"], { cwd: folder })).code).toBe(0);
    expect(sums()).not.toBe(before);
    expect((await desk.workcell(["undo"], { cwd: folder })).code).toBe(0);
    expect(sums()).toBe(before);
  });
});
