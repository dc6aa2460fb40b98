import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** What a command does, and how many paths of it wait then: a new folder is one, and so is each thing in it. */
const works: readonly (readonly [what: string, act: string, count: number, folders: number])[] = [
  ["files in new folders", "mkdir -p new/deep; echo 1 >new/a; echo 2 >new/deep/b", 4, 2],
  ["an empty folder", "mkdir empty", 1, 1],
  ["a folder that goes, and a file", "rm -r sub; rm one", 2, 1],
  ["a folder that is made anew", "rm -r sub; mkdir sub; echo 1 >sub/b", 2, 0],
  ["such a folder, with folders in it", "rm -r sub; mkdir -p sub/in; echo 1 >sub/in/b", 3, 1],
  ["a folder for a file", "rm one; mkdir one; echo 1 >one/a", 2, 1],
  ["bits of a folder and of a file", "chmod 700 sub; chmod 600 one", 2, 1],
  [
    "what is touched, or written as it was",
    "touch one; cat two >x; cat x >two; rm x; touch sub; echo 1 >three",
    1,
    0,
  ],
  ["a link for a link", "ln -sf two link; ln -s one other", 2, 0],
];

describe.each(people)("what is counted, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test.each(works)(
    "%s: run, diff, session, apply, undo, its list and discard count alike",
    async (what, act, count, folders) => {
      const folder = desk.folder(what.replace(/\W/g, "-"));
      const have = "mkdir sub; echo 1 >sub/a; echo 1 >one; echo 2 >two; ln -s one link";
      await desk.outside(["sh", "-ec", have], { cwd: folder });
      const changes = `${count} change${count === 1 ? "" : "s"}`;
      const waits = async () => {
        const ended = await desk.run(["-m", folder, "sh", "-ec", act]);
        const [, name = ""] = /in session (\S+):/.exec(ended.stderr) ?? [];
        expect(ended.stderr).toContain(
          `workcell: ${changes} wait${count === 1 ? "s" : ""} in session ${name}:`,
        );
        return name;
      };
      const name = await waits();
      const { stdout: text } = await desk.workcell(["diff", "--json", name]);
      const [{ changes: paths, summary }] = JSON.parse(text).layers;
      expect([paths.length, summary.folders]).toEqual([count, folders]);
      const { stdout: list } = await desk.workcell(["session", "show", name, "--json"]);
      expect(JSON.parse(list).changes).toBe(count);
      expect((await desk.workcell(["apply", name])).stdout).toContain(`Applied ${changes} to ${folder}`);
      expect((await desk.workcell(["undo", name])).stdout).toContain(`Undid ${changes} of step 1`);
      for (const step of ["2", "3"])
        expect((await desk.workcell(["undo", name, "--step", step])).stdout).toContain(
          `Undid ${changes} of step ${step}`,
        );
      const { stdout: steps } = await desk.workcell(["undo", name, "--list"]);
      const counts = steps.match(/\d+ paths?(?=\s)/g);
      expect(new Set(counts)).toEqual(new Set([`${count} path${count === 1 ? "" : "s"}`]));
      expect(counts).toHaveLength(4);
      const again = await waits();
      expect((await desk.workcell(["discard", again])).stdout).toContain(`Discarded ${changes} of ${folder}`);
    },
  );
});
