import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { boundSteps, forgetSteps, listSteps } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { treeOf } from "../helpers/census.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { LayerBench } from "../helpers/layer-bench.ts";
import { isSoak } from "../helpers/run-workcell.ts";
import { buildDriver } from "../helpers/step-runner.ts";

const rounds = isSoak ? 100 : 3;

let place: Place;
let cellfiles = "";
let driver = "";
beforeAll(async () => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
  driver = await buildDriver(place.path, "forget-driver");
});
afterAll(() => place[Symbol.dispose]());

/** Three trees of forty files, from 10 on; each step takes one of them away. */
const seed = `for tree in 1 2 3; do mkdir -p host/$tree/in
  head -c 160000 /dev/urandom | split -b 4000 --numeric-suffixes=10 - host/$tree/in/; chmod 500 host/$tree/in; done; sleep 0.02`;

describe.each(starters)("what steps keep, by $name", (starter) => {
  let bench: LayerBench;
  beforeEach(() => {
    bench = new LayerBench(starter, cellfiles);
    bench.shell(seed);
    bench.baseTimeNs = bench.now();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const steps = () => path.join(bench.path, "steps");
  const host = () => treeOf(path.join(bench.path, "host"), "times");
  const journalOf = (number: number) => path.join(steps(), `${number}/journal.json`);
  const change = (number: number, fields: object) => {
    const file = journalOf(number);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...fields }));
  };
  const isKept = (number: number) =>
    ["kept", "gone"].some((name) => existsSync(path.join(steps(), `${number}/${name}`)));
  const listed = () => listSteps(steps()).map(({ number }) => number);

  async function undo(number: number) {
    const opened = await bench.open();
    const { left } = await opened.undo(number);
    await opened.close();
    return left;
  }

  /** Steps 1 to 3; how the folder was before each. */
  async function threeSteps() {
    const before = [];
    for (const tree of [1, 2, 3]) {
      before.push(host());
      bench.inLayer(`chmod 700 ${tree}/in; rm -r ${tree}`);
      const opened = await bench.open();
      expect((await opened.apply(opened.changes)).left).toEqual([]);
      await opened.close();
    }
    return before;
  }

  test("a step that is not at its end is never forgotten, whoever asks and however old it is", async () => {
    await threeSteps();
    const [done] = JSON.parse(readFileSync(journalOf(1), "utf8")).done;
    change(1, { done: [{ ...done, open: true }] });
    change(2, { state: "staged", done: undefined });
    await forgetSteps({ steps: steps(), cellfiles }, [1, 2]);
    const forgotten = await boundSteps({ steps: steps(), cellfiles, limitBytes: 0 });
    expect(forgotten.map(({ number }) => number)).toEqual([3]);
    expect([listed(), [1, 2, 3].map(isKept)]).toEqual([
      [1, 2],
      [true, true, false],
    ]);
    // Finished, and then they may go.
    await (await bench.open()).close();
    change(1, { done: [done] });
    expect(await boundSteps({ steps: steps(), cellfiles, limitBytes: 0 })).toHaveLength(2);
  });

  test("steps that are to stay do, and the oldest of the others go first", async () => {
    const before = await threeSteps();
    const bound = async (limitBytes: number, keep: readonly number[]) => {
      const forgotten = await boundSteps({ steps: steps(), cellfiles, limitBytes, keep });
      return forgotten.map(({ number }) => number);
    };
    expect(await bound(480_000, [1])).toEqual([2]);
    expect(await bound(0, [1, 3])).toEqual([]);
    expect(await undo(3)).toEqual([]);
    expect(await undo(1)).toEqual([]);
    const without = before[0]?.filter(({ path: name }) => !/^2(\/|$)/.test(name));
    expect(host()).toEqual(without);
  });

  test("what was given up only half takes no other step with it, and goes with the next command", async () => {
    await threeSteps();
    bench.shell("mv steps/1/kept steps/1/gone; chmod 700 steps/1/gone/0/in; rm steps/1/gone/0/in/1*");
    expect([listed(), isKept(1)]).toEqual([[2, 3], true]);
    const opened = await bench.open();
    await opened.close();
    expect(isKept(1)).toBe(false);
    bench.shell("mv steps/2/kept steps/2/gone; chmod 700 steps/2/gone/0/in; rm steps/2/gone/0/in/1*");
    // Two are more than this, one is not.
    expect(await boundSteps({ steps: steps(), cellfiles, limitBytes: 300_000 })).toEqual([]);
    expect([listed(), isKept(2)]).toEqual([[3], false]);
    for (const number of [1, 2])
      expect(JSON.parse(readFileSync(journalOf(number), "utf8"))).toMatchObject({ forgotten: true });
    expect(await undo(3)).toEqual([]);
  });

  /** Runs the driver, and kills it or its cellfiles a while after it has begun. */
  async function forgetKilled(victim: "node" | "cellfiles", afterMs: number): Promise<number> {
    const child = spawn(process.execPath, [driver, steps(), bench.input().cellfiles], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    const began = performance.now();
    await Promise.race([wait(afterMs, undefined, { ref: false }), closed]);
    if (victim === "node") child.kill("SIGKILL");
    else
      bench.shell(
        `pid=$(cat ../pid); ! grep -qaF "${bench.path}" /proc/$pid/cmdline || kill -9 $pid || ! test -e /proc/$pid`,
      );
    await closed;
    return performance.now() - began;
  }

  test.each(["node", "cellfiles"] as const)(
    `%s is killed while it forgets, ${rounds} times: each step is whole, or given up`,
    async (victim) => {
      let [tookMs, half] = [0, 0];
      for (let round = 0; round <= rounds; round++) {
        await using fresh = new LayerBench(starter, cellfiles);
        const former = bench;
        bench = fresh;
        try {
          bench.shell(seed);
          bench.baseTimeNs = bench.now();
          const before = await threeSteps();
          const after = host();
          // The first one is let be, and tells how long it takes.
          const took = await forgetKilled(victim, round === 0 ? 60_000 : Math.random() * tookMs);
          if (round === 0) tookMs = took;
          const left = listed();
          if ([1, 2, 3].some((number) => isKept(number) !== left.includes(number))) half++;
          expect(host()).toEqual(after);
          await (await bench.open()).close();
          expect([1, 2, 3].filter(isKept)).toEqual(left);
          expect([[], [3], [2, 3], [1, 2, 3]]).toContainEqual(left);
          for (const number of left.toReversed()) expect(await undo(number)).toEqual([]);
          expect(host()).toEqual(left.length === 0 ? after : before[(left[0] ?? 0) - 1]);
        } finally {
          bench = former;
        }
      }
      console.log(`${starter.name}, ${victim}: killed ${rounds} times, ${half} times with a step half gone`);
    },
    300_000,
  );
});
