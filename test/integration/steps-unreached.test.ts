import { renameSync, symlinkSync, unlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Held } from "../../src/changes/file-server.ts";
import type { Place as FilePlace, FileServer } from "../../src/changes/index.ts";
import { Lanes } from "../../src/changes/lanes.ts";
import { keptFolder, makeStepFolder, readSteps } from "../../src/changes/steps/journal.ts";
import { type Planned, planApply } from "../../src/changes/steps/plan-apply.ts";
import { planUndo } from "../../src/changes/steps/plan-undo.ts";
import { newToken, recoverStep, runStep } from "../../src/changes/steps/run-step.ts";
import type { Step } from "../../src/changes/steps/step.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { treeOf } from "../helpers/census.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { LayerBench } from "../helpers/layer-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const [host, layer, kept] = [0, 1, 2] as const;
const roots = { host, source: kept, kept };

/** A call of the server's, and the places that it names. */
type IsAway = (call: string, places: readonly FilePlace[]) => boolean;

/** Whether a link stands in the folder's place while it is away. */
type Instead = "nothing" | "link";

/** The host moves its folder `d` away just before the calls that are said, and back before the others. */
function withHost(bench: LayerBench, server: FileServer, { isAway, instead }: Host): FileServer {
  const [there, away] = ["d", "d-away"].map((name) => path.join(bench.path, "host", name)) as [
    string,
    string,
  ];
  let isMoved = false;
  const move = (wanted: boolean) => {
    if (wanted === isMoved) return;
    if (!wanted && instead === "link") unlinkSync(there);
    renameSync(wanted ? there : away, wanted ? away : there);
    if (wanted && instead === "link") symlinkSync("d-away", there);
    isMoved = wanted;
  };
  const met: FileServer = new Proxy(server, {
    get(target, name) {
      if (name === "replace") return (at: Held, by: { readonly beside: Held }) => replaceByCalls(met, at, by);
      const call = Reflect.get(target, name) as (...words: readonly unknown[]) => unknown;
      return (...words: readonly unknown[]) => {
        const places = words.filter((word): word is FilePlace => typeof word === "object" && word !== null);
        move(isAway(String(name), places));
        return call.apply(target, [...words]);
      };
    },
  });
  return met;
}

/** As where what comes out is kept on another disk: then the caller keeps it, and the host can meet each call by itself. */
async function replaceByCalls(server: FileServer, at: Held, { beside }: { readonly beside: Held }) {
  await server.stat(at);
  await server.exchange(at, beside);
  return { isKept: false };
}

interface Host {
  readonly isAway: IsAway;
  readonly instead: Instead;
}

/** True of a call on something in the host's folder, each time that `isAway` is. */
const onHost =
  (isAway: IsAway): IsAway =>
  (call, places) =>
    (call === "sync" || places.some(({ root }) => root === host)) && isAway(call, places);

// What is decided here is the same for root and for a user.
describe.each(starters.slice(-1))(
  "a step in a folder that the host moves away and back, by $name",
  (starter) => {
    let bench: LayerBench;
    beforeEach(() => {
      bench = new LayerBench(starter, cellfiles);
      bench.shell("mkdir host/d; echo old > host/d/f; sleep 0.02");
      bench.baseTimeNs = bench.now();
    });
    afterEach(() => bench[Symbol.asyncDispose]());
    const steps = () => path.join(bench.path, "steps");
    /** But for what stands beside. */
    const shown = () => bench.shell("cd host/d; stat -c '%n %a' *; cat *");
    const hostTree = () => treeOf(path.join(bench.path, "host"));
    const journal = () => readSteps(steps()).at(-1) as Step;

    async function carryOut(kind: Step["kind"], by: Host, plan: (server: FileServer) => Promise<Planned>) {
      const server = await bench.serve(["host", "layer/upper", "steps"]);
      const { operations } = await plan(server);
      const number = Number(operations[0]?.kept.split("/")[0]);
      const met = withHost(bench, server, { ...by, isAway: onHost(by.isAway) });
      const { folder, identity } = bench.input().place;
      const step: Step = {
        schema: "workcell.step/1",
        ...{ number, kind, folder, layer: "1", folderIs: identity, operations },
        ...{ time: new Date().toISOString(), decidedNs: String(bench.now()) },
        state: "planned",
        ...(kind === "undo" && { of: 1 }),
      };
      try {
        await runStep({
          ...{ server: met, lanes: new Lanes(met, async () => met), steps: steps(), step },
          roots: { ...roots, source: kind === "apply" ? layer : kept },
        });
      } finally {
        await met.stat({ root: kept, path: "" });
      }
    }

    async function namesFor(server: FileServer) {
      return { token: newToken(), keptFolder: keptFolder(await makeStepFolder(server, kept, steps())) };
    }

    const apply = async (work: string, isAway: IsAway) => {
      bench.inLayer(work);
      const { changes } = await bench.open();
      await carryOut("apply", { isAway, instead: "nothing" }, async (server) =>
        planApply(changes, await namesFor(server)),
      );
    };

    const undo = (isAway: IsAway, instead: Instead) =>
      carryOut("undo", { isAway, instead }, async (server) => {
        const all = readSteps(steps());
        const [step] = all as [Step];
        return planUndo({ server, host, kept, step, all, ...(await namesFor(server)) });
      });

    /** Away while what came out is to be kept, there while it goes back, and away from then on, or but for a look at this. */
    function awayBut(goesBack: string, seen?: string): IsAway {
      let [isKept, isBack] = [false, false];
      return (call, places) => {
        if (isBack) return places[0]?.path !== seen;
        if (isKept) isBack = call === goesBack;
        else isKept = call === "rename" && places[1]?.root === kept;
        return isKept && !isBack && call !== "stat";
      };
    }

    async function undoAtLast() {
      const opened = await bench.open();
      const { left } = await opened.undo(1);
      await opened.close();
      return left;
    }

    describe.each([
      ["written", "nothing", "echo new > d/f", "exchange", "d/f"],
      ["written", "link", "echo new > d/f", "exchange", "d/f"],
      ["made", "nothing", "echo more > d/more", "rename", "d/more"],
    ] as const)("a file that was %s, with %s in the folder's place", (_, instead, work, goesBack, name) => {
      test("and that an undo took out and put back is none that the host changed", async () => {
        const before = hostTree();
        await apply(work, () => false);
        const after = shown();
        await undo(awayBut(goesBack), instead);
        expect(shown()).toBe(after);
        expect(journal()).toMatchObject({ done: [{ open: true, backNs: expect.any(String) }] });
        expect(await undoAtLast()).toEqual([]);
        expect(hostTree()).toEqual(before);
      });

      test("and of which only what stands beside could not be looked at then is none either", async () => {
        const before = hostTree();
        await apply(work, () => false);
        await undo(awayBut(goesBack, name), instead);
        expect(journal()).toMatchObject({ done: [{ open: true, placed: [{ path: name }] }] });
        expect(await undoAtLast()).toEqual([]);
        expect(hostTree()).toEqual(before);
      });

      test("control: whose bits the host has changed since then stays as it is", async () => {
        await apply(work, () => false);
        await undo(awayBut(goesBack), instead);
        const backNs = BigInt(journal().done?.[0]?.backNs ?? 0);
        while (bench.now() <= backNs);
        bench.shell("chmod 604 host/d/*");
        const after = shown();
        expect(await undoAtLast()).toMatchObject([{ why: expect.stringContaining("changed since") }]);
        expect(shown()).toBe(after);
      });
    });

    test.each([
      ["what is in a folder that was made", "mkdir d/made; echo in > d/made/in", "d/made/in"],
      ["bits that were changed", "chmod 604 d/f", "d/f"],
    ])("%s can be undone though nobody could look at it at the end", async (_, work, looked) => {
      const before = hostTree();
      let isDone = false;
      await apply(work, (call, [first, second]) => {
        const isLook = isDone && call !== "rename" && first?.path === looked;
        isDone ||= (call === "setAttributes" && first?.root === host) || second?.path === "d/made";
        return isLook;
      });
      expect(hostTree()).not.toEqual(before);
      expect(journal()).toMatchObject({ done: [{ open: true }] });
      expect(await undoAtLast()).toEqual([]);
      expect(hostTree()).toEqual(before);
    });

    test("what cannot go back as its folder is away is no file of which the host took the new one", async () => {
      const before = hostTree();
      let isOut = false;
      await apply("echo new > d/f", (call, [first, second]) => {
        const isFirst = !isOut && call === "rename" && second?.root === kept;
        isOut ||= isFirst;
        return isFirst || (isOut && (call === "exchange" || first?.path === "d/f"));
      });
      expect(journal()).toMatchObject({ done: [{ open: true }] });
      expect(await undoAtLast()).toEqual([]);
      expect(hostTree()).toEqual(before);
    });

    test("what an undo brings out of what is kept goes back there where it cannot be used, and is never taken away", async () => {
      const before = hostTree();
      await apply("echo new > d/f", () => false);
      let looks = 0;
      await undo((call, [first]) => {
        if (call === "exchange") looks = 1;
        else if (looks > 0 && call === "stat" && first?.path !== "d/f") looks++;
        return call === "exchange" || (call === "stat" && looks === 3);
      }, "nothing");
      expect(looks).toBeGreaterThan(1);
      expect(await undoAtLast()).toEqual([]);
      expect(hostTree()).toEqual(before);
    });

    test("what an undo brought out of what is kept comes back there when its folder does, where the undo was given up", async () => {
      const before = hostTree();
      await apply("echo new > d/f", () => false);
      let isGivenUp = false;
      const given = undo((call) => {
        if (isGivenUp || call !== "sync") return isGivenUp;
        isGivenUp = true;
        throw new Error("no room");
      }, "nothing");
      await expect(given).rejects.toThrow("no room");
      expect(await undoAtLast()).toEqual([]);
      expect(hostTree()).toEqual(before);
      expect(readSteps(steps()).map(({ number, kind }) => [number, kind])).toEqual([
        [1, "apply"],
        [2, "undo"],
        [3, "undo"],
      ]);
    });

    test("what stands at its place is not taken for missing while its folder is away, when a step is settled", async () => {
      const before = hostTree();
      const isLook: IsAway = (call, [first]) => call === "stat" && first?.path === "d/more";
      await apply("echo more > d/more", isLook);
      const server = await bench.serve(["host", "layer/upper", "steps"]);
      const by = withHost(bench, server, { isAway: onHost(isLook), instead: "nothing" });
      const lanes = new Lanes(by, async () => by);
      const recovering = { server: by, lanes, roots: { ...roots, source: layer }, steps: steps() };
      await recoverStep({ ...recovering, step: journal() });
      await by.stat({ root: kept, path: "" });
      expect(journal()).toMatchObject({ done: [{ open: true }] });
      expect(await undoAtLast()).toEqual([]);
      expect(hostTree()).toEqual(before);
    });
  },
);
