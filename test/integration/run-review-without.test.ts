import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitsIn } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people, until } from "../helpers/run-workcell.ts";
import { makeUnmergeable, type Unmergeable } from "../helpers/unmergeable.ts";

const isRoot = process.getuid?.() === 0;
const seed = `mkdir -p folder/sub; cd folder; echo a > a; echo b > sub/b; echo c > sub/c; ln -s a link; chmod 640 sub/c`;
/** Everything of a tree that a person can see. */
const look = "cd folder; find . -printf '%p %y %m %u %l\\n' | sort; find . -type f | sort | xargs sha256sum";

describe.runIf(isRoot).each(people)(
  "review as $name where folders cannot be merged with layers",
  (person) => {
    let desk: Desk;
    let place: Unmergeable;
    beforeEach(async () => {
      desk = makeDesk(person);
      place = await makeUnmergeable(desk);
      place.shell(seed);
    });
    afterEach(() => {
      place[Symbol.dispose]();
      desk[Symbol.dispose]();
    });
    const inFolder = () => ["-m", `${place.path}/folder`];
    const sessions = () =>
      place.shell("ls state/workcell/sessions 2>/dev/null || true").split("\n").filter(Boolean);

    test("the session works on a copy, which is said; it is shown, applied and undone like any other", async () => {
      const before = place.shell(look);
      const script =
        "cat a; echo more >> a; rm sub/b; mkdir made; echo new > made/new; mv sub/c sub/d; ls -ln link";
      const ran = await place.workcell(["run", ...inFolder(), "sh", "-c", script]);
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stdout).toMatch(/^a\n/);
      expect(ran.stderr).toMatch(
        /workcell: ".*\/there\/folder" cannot be merged with a layer here \(.*EINVAL\)\): the session works on a copy\n/,
      );
      expect(place.shell(look)).toBe(before);
      const name = waitsIn(ran);
      const diff = await place.workcell(["diff", name, "--stat"]);
      expect(diff.stdout).toContain("3 added, 1 changed, 2 removed");
      const applied = await place.workcell(["apply", name]);
      expect(applied.code, applied.stderr).toBe(0);
      expect(place.shell("cd folder; cat a made/new sub/d; find . -type f | sort")).toBe(
        "a\nmore\nnew\nc\n./a\n./made/new\n./sub/d\n",
      );
      const undone = await place.workcell(["undo", name]);
      expect(undone.code, undone.stderr).toBe(0);
      expect(place.shell(look)).toBe(before);
      // The control: where it can be merged nothing of it is said.
      const elsewhere = desk.folder("elsewhere");
      const merged = await desk.run(["-m", elsewhere, "sh", "-c", "echo x > x"]);
      expect([merged.code, merged.stderr.includes("copy")]).toEqual([0, false]);
    });

    test("what nothing was done to leaves nothing; auto applies by itself; a conflict stays", async () => {
      const quiet = await place.workcell(["run", ...inFolder(), "cat", "a"]);
      expect([quiet.code, quiet.stdout]).toEqual([0, "a\n"]);
      expect(place.shell("find state -path '*layers*'")).toBe("");
      const auto = await place.workcell([
        "run",
        "-m",
        `${place.path}/folder:auto`,
        "sh",
        "-c",
        "echo x > x; rm a",
      ]);
      expect(auto.code, auto.stderr).toBe(0);
      expect(place.shell("ls folder")).toBe("a\nlink\nsub\nx\n");
      const busy = place.start(["run", ...inFolder(), "sh", "-c", "echo ready; sleep 1; echo mine > sub/b"]);
      await busy.said("ready");
      place.shell("echo theirs > folder/sub/b");
      const name = waitsIn(await busy.ended);
      const applied = await place.workcell(["apply", name]);
      expect(applied.stdout + applied.stderr).toContain("conflict  sub/b");
      expect(place.shell("cat folder/sub/b")).toBe("theirs\n");
    });

    test("commands of one session see the same copy, at once and one after the other", async () => {
      const words = ["run", "--session", "brave-loving-maxwell", ...inFolder(), "sh", "-c"];
      const first = place.start([
        ...words,
        "echo one > one; echo ready; while [ ! -e two ]; do sleep 0.05; done; cat two",
      ]);
      await first.said("ready");
      const second = await place.workcell([...words, "cat one; echo two > two.part; mv two.part two"]);
      expect([second.code, second.stdout], second.stderr).toEqual([0, "one\n"]);
      expect(second.stderr).toContain("its session began so): the session works on a copy\n");
      expect((await first.ended).stdout).toBe("ready\ntwo\n");
      const third = await place.workcell([...words, "cat one two; rm one"]);
      expect(third.stdout).toBe("one\ntwo\n");
      const diff = await place.workcell(["diff", "--stat"]);
      expect(diff.stdout).toMatch(/1 added/);
      expect(diff.stdout).not.toMatch(/\bone\b/);
    });

    test("a Workcell that is killed while it copies leaves nothing that is believed; one whose cell works loses nothing", async () => {
      place.shell("cd folder; for i in $(seq 3000); do echo $i > f$i; done");
      const words = ["run", "--session", "brave-loving-maxwell", ...inFolder(), "sh", "-c"];
      const killCopying = async () => {
        const copying = place.start([...words, "true"]);
        await until(() => place.shell("find state -path '*/copy/f*' | head -1") !== "", 20_000);
        copying.child.kill("SIGKILL");
        await copying.ended;
        return place.shell("find state -name copy.index") === "";
      };
      // On a busy machine a copy may be whole before it is seen; then there is another one.
      let isKilled = false;
      for (let attempt = 1; !isKilled && attempt <= 10; attempt++) isKilled = await killCopying();
      expect(isKilled).toBe(true);
      const none = await place.workcell(["diff", "brave-loving-maxwell"]);
      expect(none.stdout + none.stderr).toMatch(/[Nn]othing|no changes/);
      const working = place.start([...words, "rm f1; echo changed > f2; echo ready; sleep 60"]);
      await working.said("ready");
      working.child.kill("SIGKILL");
      await working.ended;
      const diff = await place.workcell(["diff", "brave-loving-maxwell", "--stat"]);
      expect(diff.stdout).toContain("1 changed, 1 removed");
      const seen = await place.workcell([...words, "cat f2; ls f1; ls | wc -l"]);
      expect(seen.stdout).toBe("changed\n3002\n");
    });

    test("Ctrl-C while it copies ends the start, and nothing is left", async () => {
      place.shell("cd folder; for i in $(seq 3000); do echo $i > f$i; done");
      const cancelCopying = async () => {
        const copying = place.start(["run", ...inFolder(), "sleep", "20"]);
        await until(() => place.shell("find state -path '*/copy/f*' | head -1") !== "", 20_000);
        copying.child.kill("SIGINT");
        return (await copying.ended).stderr.includes("no copy can be made: it was cancelled");
      };
      // On a busy machine a copy may be whole before it is seen; then its command is ended, and there is another one.
      let isCancelled = false;
      for (let attempt = 1; !isCancelled && attempt <= 10; attempt++) isCancelled = await cancelCopying();
      expect(isCancelled).toBe(true);
      expect(place.shell("find state -path '*layers*'")).toBe("");
    });

    test("what does not fit on the session's disk is refused with the reason, and leaves nothing", async () => {
      place.shell("head -c 20M /dev/urandom > folder/large");
      const refused = await place.workcell(["run", "--disk", "16M", ...inFolder(), "true"]);
      expect(refused.code).toBe(125);
      expect(refused.stderr).toMatch(
        /no copy can be made: it takes 20 MiB, and the session's disk has 16 MiB/,
      );
      expect(refused.stderr).toMatch(/remedy: Give it more \(--disk SIZE\)/);
      expect(sessions()).toEqual([]);
      // The control, and what the copy counts: the command has what is left.
      const fits = await place.workcell(["run", "--disk", "64M", ...inFolder(), "sh", "-c", "echo x > x"]);
      expect(fits.code, fits.stderr).toBe(0);
      const fill = "head -c 60M /dev/zero > more; sleep 20";
      const filled = await place.workcell(["run", "--disk", "40M", ...inFolder(), "sh", "-c", fill]);
      expect([filled.code, filled.stderr]).toEqual([
        137,
        expect.stringContaining("its limit of disk was reached"),
      ]);
    });

    test("an --explain says what becomes of a folder that cannot be merged, and rw names the remedy", async () => {
      const explained = await place.workcell(["run", "--explain", ...inFolder(), "true"]);
      expect(explained.stdout).toMatch(/where they cannot be, a copy that lies beside the layer is bound/);
      const live = await place.workcell(["run", "-m", `${place.path}/folder:rw`, "cat", "a"]);
      if (person.uid !== undefined) expect([live.code, live.stdout]).toEqual([0, "a\n"]);
      else expect([live.code, live.stderr]).toEqual([125, expect.stringContaining("no idmapped mounts")]);
    });

    test.runIf(person.uid === undefined)(
      "in the copy too, what is somebody else's and shut to the folder's owner is shut to the cell, and stays theirs",
      async () => {
        place.shell(
          "echo secret > folder/theirs; chmod 600 folder/theirs; chown -R 4321:4321 folder; chown 0:0 folder/theirs",
        );
        const tried = await place.workcell([
          ...[
            "run",
            ...inFolder(),
            "sh",
            "-c",
            "cat theirs a; mv theirs moved; cat moved; chmod 666 moved; id -u",
          ],
        ]);
        expect(tried.stdout).toMatch(/^a\n\d+\n$/);
        await place.workcell(["apply"]);
        expect(place.shell("stat -c '%u:%g %a' folder/moved folder/a")).toBe("0:0 600\n4321:4321 644\n");
        // The control: given to the folder's owner, the cell reads it.
        place.shell("chown 4321 folder/moved");
        expect((await place.workcell(["run", ...inFolder(), "cat", "moved"])).stdout).toBe("secret\n");
      },
    );
  },
);
