import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makePlace, type Place, runToEnd } from "../helpers/cellhost.ts";
import { type Counted, treeOf } from "../helpers/census.ts";
import { CopyBench } from "../helpers/copy-bench.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { brief } from "../helpers/layer-bench.ts";
import { isSoak } from "../helpers/run-workcell.ts";

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
  ln -s src/one host/link; echo tool > host/tool; ln host/tool host/tool.too
  truncate -s 3M host/sparse; echo end >> host/sparse
  /usr/bin/python3 -c "import os; os.setxattr('host/src/one', 'user.mark', b'a')"
`;

const work = `
  echo changed > src/one; echo new > src/new; rm src/two; rm -r gone; chmod 755 kept/k
  mkdir -p made/a/b; echo file > made/a/b/file; ln -s nowhere made/dangling; ln made/a/b/file made/again
  ln -sfn kept link; rm -r src/deep; mkdir src/deep; echo other > src/deep/other
  mv kept moved; echo "a file now" > kept; echo odd > "$(printf 'new\\nline')"; chmod 700 src
`;

describe.each(starters)("a copy in review, by $name", (starter) => {
  let bench: CopyBench;
  beforeEach(() => {
    bench = new CopyBench(starter, cellfiles);
    bench.shell(seed);
    bench.baseTimeNs = bench.now();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const left = () => readdirSync(path.join(bench.path, "layer")).sort();
  const whole = (folder: string) => treeOf(path.join(bench.path, folder), "times");

  test("it shows the folder: bits, links, several names, holes and attributes, under the session's owner", async () => {
    await bench.makeCopy();
    expect(bench.tree("layer/copy")).toBe(bench.tree("host"));
    const at = (name: string) => statSync(path.join(bench.path, "layer/copy", name));
    expect(at("tool").ino).toBe(at("tool.too").ino);
    expect(at("sparse").blocks).toBeLessThan(100);
    expect([at("tool").uid, at("src").gid]).toEqual([bench.owners.copy.uid, bench.owners.copy.gid]);
    expect(bench.python("print(os.getxattr('layer/copy/src/one', 'user.mark'))")).toBe("b'a'\n");
    await bench.settle();
    // Nothing was done to it.
    expect(readdirSync(path.join(bench.path, "layer/upper"))).toEqual([]);
  });

  test("what is done to it waits, is applied, and is taken back", async () => {
    const before = whole("host");
    await bench.inCopy(work);
    expect(whole("host")).toEqual(before);
    expect(left()).toEqual(["merged", "upper", "work"]);
    bench.shell("cp -a host plain");
    bench.shell(`cd plain; ${work}`);
    const opened = await bench.applyAll();
    expect(opened.changes.map(brief)).toEqual(
      expect.arrayContaining(["changed src/one", "added src/new", "removed src/two", "removed gone"]),
    );
    expect(bench.tree("host")).toBe(bench.tree("plain"));
    expect(readdirSync(path.join(bench.path, "layer/upper"))).toEqual([]);
    expect((await (await bench.open()).undo(1)).left).toEqual([]);
    expect(whole("host")).toEqual(before);
  });

  test("a further command sees what the earlier ones did, and what the host has by now", async () => {
    await bench.inCopy(work);
    bench.shell("echo later > host/later; rm host/sparse");
    const plain = bench.shell(`cp -a host plain; cd plain; ${work} find . -type f | sort`);
    expect(await bench.inCopy("find . -type f | sort")).toBe(plain);
    await bench.inCopy("echo again >> src/one; rm made/again; mkdir gone; echo back > gone/y");
    bench.shell("cd plain; echo again >> src/one; rm made/again; mkdir gone; echo back > gone/y");
    await bench.applyAll();
    expect(bench.tree("host")).toBe(bench.tree("plain"));
  });

  test("what the host changed meanwhile is a conflict, and stays", async () => {
    await bench.makeCopy();
    bench.onCopy("echo session > src/one; echo fine > src/two");
    bench.shell("echo host > host/src/one");
    await bench.settle();
    const opened = await bench.applyAll();
    const conflicts = opened.changes.filter(({ conflict }) => conflict !== undefined);
    expect(conflicts.map(brief)).toEqual(["changed src/one"]);
    expect(bench.shell("cat host/src/one host/src/two")).toBe("host\nfine\n");
  });

  test("some paths are discarded, and the next copy has the folder's there", async () => {
    await bench.inCopy(work);
    const opened = await bench.open();
    await opened.discard(opened.changes.filter((change) => /^(src\/one|gone|made)/.test(change.path)));
    expect(await bench.inCopy("cat src/one src/new; ls gone; ls")).toBe(
      "one\nnew\ninner\ny\ngone\nkept\nlink\nmoved\nnew\nline\nsparse\nsrc\ntool\ntool.too\n",
    );
  });

  test("a pipe without bits and attributes of overlayfs's say nothing: they are the cell's own", async () => {
    const before = bench.tree("host");
    await bench.inCopy(`mkfifo -m 0 src/pipe; rm tool; mkfifo -m 0 tool
      /usr/bin/python3 -c "import os; os.setxattr('src', 'user.overlay.opaque', b'y')"
      : > link.whiteout; /usr/bin/python3 -c "import os; os.setxattr('link.whiteout', 'user.overlay.whiteout', b'y')"`);
    const opened = await bench.open();
    expect(opened.changes.map((change) => [change.path, change.kind, change.class])).toEqual([
      ["link.whiteout", "added", "plain"],
      ["src/pipe", "added", "refused"],
      ["tool", "changed", "refused"],
    ]);
    await bench.applyAll();
    bench.shell("rm host/link.whiteout");
    expect(bench.tree("host")).toBe(before);
  });

  test("of another folder than the one that was decided on none is made", async () => {
    await expect(bench.makeCopy({ inode: "1" })).rejects.toThrow("another folder took its place");
    expect(left()).toEqual(["merged", "upper", "work"]);
  });

  test("one that was not finished is believed in nothing, and the next is whole", async () => {
    await bench.makeCopy();
    bench.onCopy("rm -r src gone; echo half > tool");
    rmSync(path.join(bench.path, "layer/copy.index"));
    await bench.settle();
    expect((await bench.open()).changes).toEqual([]);
    await bench.makeCopy();
    expect(bench.tree("layer/copy")).toBe(bench.tree("host"));
  });

  test("taking over that was ended anywhere is done again, and comes to the same", async () => {
    await bench.makeCopy();
    bench.onCopy(work);
    const at = (name: string) => path.join(bench.path, name);
    const copy = (from: string, to: string) => runToEnd(["cp", "-a", at(from), at(to)]);
    copy("layer", "layer.before");
    const ends = [
      "mkdir layer/upper.new; ln layer/copy/tool layer/upper.new/tool; mkfifo -m 0 layer/upper.new/src",
      // Both have changed places, and the copy is still there.
      "mkdir layer/upper.new",
    ];
    for (const end of ends) {
      bench.shell(end);
      await bench.settle();
      const opened = await bench.open();
      expect(opened.changes.map(brief)).toContain("removed gone");
      await opened.close();
      expect(existsSync(path.join(bench.path, "layer/copy"))).toBe(false);
      for (const name of ["copy", "copy.index"]) copy(`layer.before/${name}`, `layer/${name}`);
      // Every file is a new one there, and so counts as touched: the same differences are found.
    }
    await bench.settle();
    bench.shell("cp -a host plain");
    bench.shell(`cd plain; ${work}`);
    await bench.applyAll();
    expect(bench.tree("host")).toBe(bench.tree("plain"));
  });
});

const fixtures = path.resolve(import.meta.dirname, "../fixtures");
const only = process.env["WORKCELL_SEED"];
const seeds = only === undefined ? Array.from({ length: isSoak ? 60 : 2 }, (_, i) => i + 1) : [Number(only)];
const bare = "setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all";
const filled = (tree: readonly Counted[]) => tree.map(({ sparse: _sparse, ...entry }) => entry);

// The work shuts files against their owner; what they hold only root can compare.
describe.runIf(process.getuid?.() === 0).each(starters)("random work on a copy, by $name", (starter) => {
  test.each(seeds)(
    "seed %i: apply() makes what a plain folder would be, undo() what was there",
    async (n) => {
      await using bench = new CopyBench(starter, cellfiles);
      const random = path.join(fixtures, "random-work.py");
      bench.shell(
        `cp ${random} work.py; cd host; ${bare} /usr/bin/python3 ../work.py ${1000 + n} 60 >/dev/null`,
      );
      bench.baseTimeNs = bench.now();
      const at = (name: string) => path.join(bench.path, name);
      runToEnd(["cp", "-a", at("host"), at("plain")]);
      const before = treeOf(at("host"), "times");
      for (const part of [n, 500 + n]) {
        const said = await bench.inCopy(`/usr/bin/python3 ../../work.py ${part} 50 links`);
        bench.shell(`cat > said.json <<'__END__'\n${said}\n__END__`);
        const plain = bench.shell(
          `cd plain; ${bare} /usr/bin/python3 ../work.py ${part} 50 links ../said.json`,
        );
        expect(JSON.parse(plain)).toEqual(JSON.parse(said));
      }
      expect(treeOf(at("host"), "times")).toEqual(before);
      const opened = await bench.open();
      const result = await opened.apply(opened.changes);
      expect(result.left).toEqual([]);
      expect(filled(treeOf(at("host")))).toEqual(filled(treeOf(at("plain"))));
      expect(readdirSync(at("layer/upper"))).toEqual([]);
      if (result.step === undefined) return;
      const again = await bench.open();
      expect((await again.undo(result.step.number)).left).toEqual([]);
      expect(treeOf(at("host"), "times")).toEqual(before);
    },
  );
});
