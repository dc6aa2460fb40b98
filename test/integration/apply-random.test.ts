import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makePlace, type Place, runToEnd } from "../helpers/cellhost.ts";
import { type Counted, treeOf } from "../helpers/census.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { LayerBench } from "../helpers/layer-bench.ts";
import { isSoak } from "../helpers/run-workcell.ts";

const fixtures = path.resolve(import.meta.dirname, "../fixtures");
const work = path.join(fixtures, "random-work.py");
/** A seed that failed can be tried alone: WORKCELL_SEED=17. */
const only = process.env["WORKCELL_SEED"];
const seeds =
  only === undefined ? Array.from({ length: isSoak ? 120 : 4 }, (_, seed) => seed + 1) : [Number(only)];

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

/** Nothing may do more than the starter could who has no privileges. */
const bare = "setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all";

function makeTrees(bench: LayerBench, seed: number): void {
  bench.shell(
    `cp ${work} work.py; cd host; ${bare} /usr/bin/python3 ../work.py ${1000 + seed} 60 >/dev/null; sleep 0.02`,
  );
  bench.baseTimeNs = bench.now();
  runToEnd(["cp", "-a", path.join(bench.path, "host"), path.join(bench.path, "plain")]);
}

/** An overlay fills holes of up to 1 MiB when it copies a file up: what is sparse is tested elsewhere. */
const filled = (tree: readonly Counted[]) => tree.map(({ sparse: _sparse, ...entry }) => entry);

/** The same work in the overlay and on a plain copy. A rename that the overlay refuses is refused in the copy. */
function playBoth(bench: LayerBench, seed: number): void {
  const said = bench.inLayer(`/usr/bin/python3 ../../work.py ${seed} 80 links`);
  bench.shell(`cat > said.json <<'__END__'\n${said}\n__END__`);
  const plain = bench.shell(`cd plain; ${bare} /usr/bin/python3 ../work.py ${seed} 80 links ../said.json`);
  expect(JSON.parse(plain)).toEqual(JSON.parse(said));
}

describe.each(starters)("random work, by $name", (starter) => {
  test.each(seeds)(
    "seed %i: apply() makes what a plain folder would be, undo() what was there, and so on",
    async (seed) => {
      await using bench = new LayerBench(starter, cellfiles);
      makeTrees(bench, seed);
      const host = path.join(bench.path, "host");
      const before = treeOf(host, "times");
      playBoth(bench, seed);
      expect(treeOf(host, "times")).toEqual(before);
      const opened = await bench.open();
      expect(
        opened.changes.filter((change) => change.class === "refused" || change.conflict !== undefined),
      ).toEqual([]);
      const result = await opened.apply(opened.changes);
      expect(result.left).toEqual([]);
      expect(filled(treeOf(host))).toEqual(filled(treeOf(path.join(bench.path, "plain"))));
      expect(readdirSync(path.join(bench.path, "layer/upper"))).toEqual([]);
      const after = treeOf(host, "times");
      const again = await bench.open();
      expect(again.changes).toEqual([]);
      if (result.step === undefined) return;
      expect((await again.undo(result.step.number)).left).toEqual([]);
      expect(treeOf(host, "times")).toEqual(before);
      expect((await again.undo(result.step.number + 1)).left).toEqual([]);
      expect(treeOf(host, "times")).toEqual(after);
    },
  );

  // What an overlay does to files with several names is no plain folder's work; that it comes back is asked here.
  test.each(seeds)(
    "seed %i, with files of several names: undo() brings back what was there",
    async (seed) => {
      await using bench = new LayerBench(starter, cellfiles);
      bench.shell(
        "cd host; mkdir a b; for i in $(seq 9); do echo $i > a/$i; ln a/$i b/$i; ln a/$i l$i; done",
      );
      makeTrees(bench, seed);
      const host = path.join(bench.path, "host");
      const before = treeOf(host, "times");
      const acts = [
        "echo new > a/$i",
        "chmod 600 b/$i",
        "chmod 640 l$i; echo x >> a/$i",
        "rm a/$i; chmod 600 l$i",
      ];
      const script = `/usr/bin/python3 ../../work.py ${seed} 60 links >/dev/null; RANDOM=${seed}
      for i in $(seq 9); do case $((RANDOM % 4)) in ${acts.map((act, n) => `${n}) ${act};;`).join(" ")} esac 2>&- || true; done`;
      bench.inLayer(script);
      const opened = await bench.open();
      const { step, left } = await opened.apply(opened.changes);
      const after = treeOf(host, "times");
      expect([left, after.length > 0]).toEqual([[], true]);
      expect((await opened.undo(step?.number ?? 0)).left).toEqual([]);
      expect(treeOf(host, "times")).toEqual(before);
      expect((await opened.undo((step?.number ?? 0) + 1)).left).toEqual([]);
      expect(treeOf(host, "times")).toEqual(after);
    },
  );
});
