import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OpenLayer } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { type Counted, treeOf } from "../helpers/census.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { LayerBench } from "../helpers/layer-bench.ts";
import { isSoak } from "../helpers/run-workcell.ts";
import { buildDriver, runStep, type Victim } from "../helpers/step-runner.ts";

/** Of each victim, by each starter: apply and undo are killed once in each. */
const rounds = isSoak ? 63 : 3;

let place: Place;
let cellfiles = "";
let driver = "";
beforeAll(async () => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
  driver = await buildDriver(place.path);
});
afterAll(() => place[Symbol.dispose]());

const seed = `
  mkdir -p host/src host/gone/inner host/many host/shut
  for i in $(seq 40); do echo "old $i" > host/many/$i; done; for i in $(seq 10); do echo "gone $i" > host/gone/inner/$i; done
  seq 100000 > host/large; ln host/many/1 host/twin; ln -s large host/link; echo s > host/shut/s; chmod 500 host/shut; sleep 0.02
`;
const work = `
  for i in $(seq 1 3 40); do echo "new $i" > many/$i; done; rm many/2 many/5; for i in $(seq 20); do echo "more $i" > many/more$i; done
  rm -r gone; mkdir -p made/deep; for i in $(seq 20); do echo "made $i" > made/deep/$i; done; ln made/deep/1 made/again
  seq 200000 > large; ln -sfn many link; rm many/40; mkdir many/40; echo in > many/40/in; chmod 700 src; chmod 600 many/3
  chmod 700 shut; echo t > shut/t; rm shut/s; chmod 500 shut; rm -r src; mkdir src; echo other > src/other
`;

async function prepare(starter: (typeof starters)[number]): Promise<LayerBench> {
  const bench = new LayerBench(starter, cellfiles);
  bench.shell(seed);
  bench.baseTimeNs = bench.now();
  bench.inLayer(work);
  return bench;
}

const hostOf = (bench: LayerBench) => path.join(bench.path, "host");

/** Everything but which names are one file, since a step makes them one after the other. */
const contentOf = (tree: readonly Counted[]) =>
  new Map(tree.map(({ same: _same, time: _time, ...entry }) => [entry.path, JSON.stringify(entry)]));

/** Each path is as it was or as it is to be; names of Workcell's own do not count. */
function expectOldOrNew(now: readonly Counted[], one: readonly Counted[], other: readonly Counted[]): void {
  const [before, after] = [contentOf(one), contentOf(other)];
  const theirs = now.filter(({ path: name }) => !/(^|\/)\.workcell-/.test(name));
  for (const [name, entry] of contentOf(theirs)) expect([before.get(name), after.get(name)]).toContain(entry);
  const there = new Set(now.map(({ path: name }) => name));
  const lost = [...before.keys()].filter((name) => after.has(name) && !there.has(name));
  expect(lost).toEqual([]);
}

const isDone = (said: Readonly<Record<string, unknown>> | undefined) =>
  said !== undefined && !("code" in said);

const failuresOf = ({ recovered }: OpenLayer) =>
  recovered.flatMap(({ done = [] }) => done.filter(({ failed }) => failed !== undefined));

/** Said by one whose cellfiles was killed. */
function expectExplained(said: Readonly<Record<string, unknown>> | undefined): void {
  if (said === undefined || !("code" in said)) return;
  expect(said).toMatchObject({ code: "WC_FILES", message: expect.stringMatching(/^Cannot /) });
}

describe.each(starters)("apply() and undo(), by $name", (starter) => {
  describe.each<Victim>(["node", "cellfiles"])("%s is killed at any moment", (victim) => {
    test(`${rounds} rounds: the next opening finishes it, each file is old or new, and nothing stays beside`, async () => {
      let [applyMs, undoMs] = [0, 0];
      let [finished, takenBack] = [0, 0];
      for (let round = 0; round <= rounds; round++) {
        await using bench = await prepare(starter);
        // By several processes in every other round: few files would be left to one.
        if (round % 2 === 1) bench.lanesFrom = 1;
        const before = treeOf(hostOf(bench), "times");
        // The first round is not killed: it tells what is to come, and how long it takes.
        const isFirst = round === 0;
        const applied = await runStep(bench, driver, {
          what: "apply",
          ...(isFirst ? {} : { victim, afterMs: Math.random() * applyMs }),
        });
        expectExplained(applied.said);
        if (isFirst) {
          applyMs = applied.tookMs;
          after = treeOf(hostOf(bench), "times");
        }
        expectOldOrNew(treeOf(hostOf(bench), "times"), before, after);
        let opened = await bench.open();
        expect(failuresOf(opened)).toEqual([]);
        if (opened.steps.length === 0) {
          takenBack++;
          expect(treeOf(hostOf(bench), "times")).toEqual(before);
          await opened.apply(opened.changes);
        } else if (!isDone(applied.said)) finished++;
        expect(opened.changes.filter((change) => change.conflict !== undefined)).toEqual([]);
        expect(withoutTimes(treeOf(hostOf(bench), "times"))).toEqual(withoutTimes(after));
        opened = await bench.open();
        expect(opened.changes).toEqual([]);
        expect(opened.steps).toMatchObject([{ number: 1, state: "done" }]);
        await opened.close();
        const undone = await runStep(bench, driver, {
          what: "1",
          ...(isFirst ? {} : { victim, afterMs: Math.random() * undoMs }),
        });
        expectExplained(undone.said);
        if (isFirst) undoMs = undone.tookMs;
        expectOldOrNew(treeOf(hostOf(bench), "times"), before, after);
        opened = await bench.open();
        if (opened.steps.length === 1) await opened.undo(1);
        expect(treeOf(hostOf(bench), "times")).toEqual(before);
      }
      console.log(
        `${starter.name}, ${victim}: ${rounds} killed, ${finished} finished forward, ${takenBack} taken back`,
      );
    }, 1_200_000);
  });
});

let after: readonly Counted[] = [];
const withoutTimes = (tree: readonly Counted[]) => tree.map(({ time: _time, ...entry }) => entry);
