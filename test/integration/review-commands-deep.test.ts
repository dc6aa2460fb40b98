import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../helpers/cell.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const levels = 400;
/** Megabytes of paths, on a machine with other work. */
const slow = { within: 90_000 };
const nest = `import os
for n in range(${levels}):
    name = ("d%03d" % n).ljust(250, "x")
    os.mkdir(name)
    os.chdir(name)
open("leaf", "w").close()`;
const absent = lacking({ programs: ["python3"] });

describe.skipIf(absent.length > 0).each(people)(
  "folders nested deeper than paths can say, as $name",
  (person) => {
    let desk: Desk;
    let made = 0;
    beforeAll(() => {
      desk = makeDesk(person);
    });
    afterAll(() => {
      // Node's own removal goes by paths.
      execFileSync("rm", ["-rf", "--", path.dirname(desk.home)]);
      desk[Symbol.dispose]();
    });

    const waiting = async () => {
      made += 1;
      const folder = desk.folder(`deep-${made}`);
      const { code, stderr } = await desk.run([
        "-m",
        folder,
        "sh",
        "-c",
        'python3 -c "$0"; echo 1 >plain',
        nest,
      ]);
      expect(code).toBe(0);
      const [, name = ""] = /in session (\S+):/.exec(stderr) ?? [];
      return { folder, name };
    };

    test("diff shows them and says how far, apply carries the rest over, discard and session rm take all away", {
      timeout: 180_000,
    }, async () => {
      const { folder, name } = await waiting();
      const shown = await desk.workcell(["diff", "--json", name], slow);
      const { changes, summary } = JSON.parse(shown.stdout).layers[0];
      expect([shown.code, shown.stderr, summary.refused, summary.changed]).toEqual([0, "", 1, 0]);
      expect(changes.find((one: { class: string }) => one.class === "refused").reason).toBe(
        "what is in it is nested too deep to be looked at",
      );
      const text = await desk.workcell(["diff", name]);
      expect(text.stdout).toContain("nested too deep to be looked at");
      const applied = await desk.workcell(["apply", name, "plain"], slow);
      expect([applied.code, readdirSync(folder)]).toEqual([0, ["plain"]]);
      const discarded = await desk.workcell(["discard", name], slow);
      expect([discarded.code, discarded.stderr]).toEqual([0, ""]);
      expect((await desk.workcell(["diff", name])).stdout).toBe("");
      const layer = path.join(desk.state, "sessions", name, "layers/1");
      if (existsSync(layer)) {
        expect(readdirSync(path.join(layer, "upper"))).toEqual([]);
        expect(readdirSync(layer).filter((one) => one.startsWith(".gone-"))).toEqual([]);
      }
      const removed = await desk.workcell(["session", "rm", name, "--force"]);
      expect([removed.code, existsSync(path.join(desk.state, "sessions", name))]).toEqual([0, false]);
    });

    test("session rm --force takes them away unlooked at", async () => {
      const { name } = await waiting();
      const { code, stderr } = await desk.workcell(["session", "rm", name, "--force"]);
      expect([code, stderr, existsSync(path.join(desk.state, "sessions", name))]).toEqual([0, "", false]);
    });
  },
);
