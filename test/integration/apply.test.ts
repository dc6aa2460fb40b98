import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { brief, LayerBench } from "../helpers/layer-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const seed = `
  mkdir -p host/src/deep host/gone/inner host/kept
  echo one > host/src/one; echo two > host/src/two; echo deep > host/src/deep/file
  echo x > host/gone/inner/x; echo y > host/gone/y; echo k > host/kept/k; chmod 640 host/kept/k
  ln -s src/one host/link; echo tool > host/tool
`;

const work = `
  echo changed > src/one; echo new > src/new; rm src/two; rm -r gone; chmod 755 tool
  mkdir -p made/a/b; echo file > made/a/b/file; ln -s nowhere made/dangling; ln made/a/b/file made/again
  ln -sfn kept link; rm -r src/deep; mkdir src/deep; echo other > src/deep/other
  rm -r kept; echo "a file now" > kept; echo odd > "$(printf 'new\\nline')"; chmod 700 src
`;

describe.each(starters)("a layer, started by $name", (starter) => {
  let bench: LayerBench;
  beforeEach(() => {
    bench = new LayerBench(starter, cellfiles);
    bench.shell(seed);
    bench.baseTimeNs = bench.now();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const left = () => readdirSync(path.join(bench.path, "layer/upper"));

  test("apply() makes the folder what the session saw, and empties the layer", async () => {
    const before = bench.tree("host");
    bench.inLayer(work);
    expect(bench.tree("host")).toBe(before);
    bench.shell("cp -a host plain");
    bench.shell(`cd plain; ${work}`);
    const opened = await bench.applyAll();
    expect(opened.changes.map(brief)).toEqual(
      expect.arrayContaining(["changed src/one", "added src/new", "removed src/two", "removed gone"]),
    );
    expect(bench.tree("host")).toBe(bench.tree("plain"));
    expect(left()).toEqual([]);
    expect((await bench.open()).changes).toEqual([]);
  });

  test("undo() takes all of it back, and an undo of that puts it there again", async () => {
    const before = bench.tree("host");
    bench.inLayer(work);
    const opened = await bench.applyAll();
    const after = bench.tree("host");
    expect((await opened.undo(1)).left).toEqual([]);
    expect(bench.tree("host")).toBe(before);
    expect((await opened.undo(2)).left).toEqual([]);
    expect(bench.tree("host")).toBe(after);
  });

  test("undo() of one path leaves the others", async () => {
    bench.inLayer(work);
    const opened = await bench.applyAll();
    await opened.undo(1, ["gone", "made/a"]);
    expect(bench.shell("find host/gone host/made | sort")).toBe(
      "host/gone\nhost/gone/inner\nhost/gone/inner/x\nhost/gone/y\nhost/made\nhost/made/again\nhost/made/dangling\n",
    );
    expect(bench.shell("cat host/src/one")).toBe("changed\n");
    // The rest of that step, later.
    expect((await opened.undo(1)).left).toEqual([]);
    expect(bench.shell("cat host/src/one; ls host")).toBe("one\ngone\nkept\nlink\nsrc\ntool\n");
  });

  test("undo() leaves what was changed since, and says it", async () => {
    bench.inLayer("echo a > src/one; echo b > src/two");
    const opened = await bench.applyAll();
    bench.shell("echo mine > host/src/one");
    const { left: kept } = await opened.undo(1);
    expect(kept).toEqual([{ path: "src/one", why: expect.stringContaining("changed since") }]);
    expect(bench.shell("cat host/src/one host/src/two")).toBe("mine\ntwo\n");
  });

  test("what the host changed meanwhile is a conflict, and stays", async () => {
    bench.inLayer("echo theirs > src/one; echo fine > src/two; rm -r gone");
    bench.shell("echo mine > host/src/one; echo more > host/gone/inner/more");
    const opened = await bench.applyAll();
    const conflicts = opened.changes.filter(({ conflict }) => conflict !== undefined);
    expect(conflicts.map(brief)).toEqual(["removed gone", "changed src/one"]);
    expect(bench.shell("cat host/src/one host/src/two host/gone/inner/more")).toBe("mine\nfine\nmore\n");
    // Both are pending still.
    expect((await bench.open()).changes.map(brief)).toEqual(["removed gone", "changed src/one"]);
  });

  test("what Workcell wrote itself is no conflict", async () => {
    bench.inLayer("echo first > src/one");
    await (await bench.applyAll()).close();
    bench.inLayer("echo second > src/one");
    await bench.applyAll();
    expect(bench.shell("cat host/src/one")).toBe("second\n");
  });

  test("apply() of some paths leaves the others pending, and the session sees the same as before", async () => {
    bench.inLayer(work);
    const seen = bench.inLayer("find . | sort; cat src/deep/other kept");
    const opened = await bench.open();
    const all = opened.changes.map(({ path: name }) => name);
    const chosen = opened.changes.filter(({ path: name }) => name === "src/one" || name === "src/deep/other");
    await opened.apply(chosen);
    expect(bench.shell("cat host/src/one host/src/deep/other host/src/deep/file")).toBe(
      "changed\nother\ndeep\n",
    );
    const again = await bench.open();
    expect(again.changes.map(({ path: name }) => name)).toEqual(
      all.filter((name) => name !== "src/one" && name !== "src/deep/other"),
    );
    expect(bench.inLayer("find . | sort; cat src/deep/other kept")).toBe(seen);
  });

  test("discard() gives the session the person's folder back at those paths", async () => {
    bench.inLayer(work);
    const before = bench.tree("host");
    const opened = await bench.open();
    await opened.discard(
      opened.changes.filter(({ path: name }) => /^(gone|src\/deep|kept)/.test(name) || name === "src"),
    );
    expect(bench.inLayer("cat gone/y src/deep/file kept/k; ls src/deep; cat src/one")).toBe(
      "y\ndeep\nk\nfile\nchanged\n",
    );
    const rest = await bench.open();
    await rest.discard(rest.changes);
    expect((await bench.open()).changes).toEqual([]);
    expect(bench.tree("host")).toBe(before);
  });
});
