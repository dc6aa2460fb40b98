import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { boundSteps, listSteps } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { treeOf } from "../helpers/census.ts";
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
  mkdir -p host/d/in; echo one > host/one; echo two > host/two; echo x > host/d/in/x; head -c 300000 /dev/urandom > host/large
  ln host/two host/twin; sleep 0.02
`;

describe.each(starters)("steps, by $name", (starter) => {
  let bench: LayerBench;
  beforeEach(() => {
    bench = new LayerBench(starter, cellfiles);
    bench.shell(seed);
    bench.baseTimeNs = bench.now();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const at = (name: string) => path.join(bench.path, name);
  const host = (...words: readonly string[]) => treeOf(at("host"), ...words);
  const steps = () => at("steps");

  async function apply(work: string): Promise<number | undefined> {
    bench.inLayer(work);
    const opened = await bench.open();
    expect(opened.changes.filter(({ conflict }) => conflict !== undefined)).toEqual([]);
    const { step, left } = await opened.apply(opened.changes);
    expect(left).toEqual([]);
    await opened.close();
    return step?.number;
  }

  async function undo(number: number, only?: readonly string[]) {
    const opened = await bench.open();
    const { left } = await opened.undo(number, only);
    await opened.close();
    return left;
  }

  test("several steps on one file are undone one after the other, and done again", async () => {
    const trees = [host("times")];
    for (const work of [
      "echo 1 > one; rm -r d",
      "echo 22 > one; mkdir d; echo y > d/y",
      "chmod 600 one; rm two",
    ]) {
      await apply(work);
      trees.push(host("times"));
    }
    expect(await undo(3)).toEqual([]);
    expect(host("times")).toEqual(trees[2]);
    expect(await undo(2)).toEqual([]);
    expect(host("times")).toEqual(trees[1]);
    expect(await undo(1)).toEqual([]);
    expect(host("times")).toEqual(trees[0]);
    // The undo of step 1 was step 6, of step 2 step 5, of step 3 step 4.
    for (const [number, tree] of [
      [6, 1],
      [5, 2],
      [4, 3],
    ] as const) {
      expect(await undo(number)).toEqual([]);
      expect(host("times")).toEqual(trees[tree]);
    }
  });

  test("a step is undone after later ones that touch other files; where they touch the same, that is said", async () => {
    await apply("echo 1 > one; echo 2 > two; echo n > new");
    await apply("echo 11 > one; chmod 600 new");
    const said = expect.stringContaining("step 2 changed it later");
    expect(await undo(1)).toEqual([
      { path: "new", why: said },
      { path: "one", why: said },
    ]);
    expect(bench.shell("cat host/one host/two host/new")).toBe("11\ntwo\nn\n");
    expect(await undo(2)).toEqual([]);
    expect(await undo(1)).toEqual([]);
    expect(bench.shell("cat host/one host/two; ls host")).toBe("one\ntwo\nd\nlarge\none\ntwin\ntwo\n");
  });

  test("extended attributes are undone as long as nobody has given others since", async () => {
    const set = (folder: string, name: string, value: string) =>
      bench.shell(
        `/usr/bin/python3 -c 'import os; os.setxattr("${folder}/one", "user.${name}", b"${value}")'`,
      );
    const listed = () =>
      bench.shell(
        '/usr/bin/python3 -c \'import os; print([(n, os.getxattr("host/one", n)) for n in sorted(os.listxattr("host/one")) if n.startswith("user.")])\'',
      );
    set("host", "a", "1");
    bench.baseTimeNs = bench.now();
    const change = '/usr/bin/python3 -c \'import os; os.setxattr("one", "user.a", b"2")\'';
    await apply(change);
    expect(listed()).toBe("[('user.a', b'2')]\n");
    set("host", "b", "person");
    expect((await undo(1)).map(({ path: left, why }) => [left, why])).toEqual([
      ["one", "it was changed since, and is left as it is"],
    ]);
    expect(listed()).toBe("[('user.a', b'2'), ('user.b', b'person')]\n");
    bench.shell('/usr/bin/python3 -c \'import os; os.removexattr("host/one", "user.b")\'');
    expect(await undo(1)).toEqual([]);
    expect(listed()).toBe("[('user.a', b'1')]\n");
  });

  test("a folder that an undo of an earlier step put back is not taken for the file that a later one left", async () => {
    bench.shell("mkdir host/x; sleep 0.02");
    bench.baseTimeNs = bench.now();
    await apply("rmdir x; echo 1 > x");
    await apply("echo 22 > x");
    expect([await undo(2), await undo(1)]).toEqual([[], []]);
    expect(bench.shell("stat -c %F host/x")).toBe("directory\n");
    expect((await undo(3)).map(({ path: left, why }) => [left, why])).toEqual([
      ["x", "it was changed since, and is left as it is"],
    ]);
    expect(bench.shell("stat -c %F host/x")).toBe("directory\n");
  });

  test("an undo that finds something else in the way loses nothing that was kept", async () => {
    await apply("rm one; rm -r d; echo 2 > two");
    bench.shell("echo mine > host/one; mkdir host/d; echo mine > host/two");
    expect((await undo(1)).map(({ path: name }) => name)).toEqual(["d", "one", "two"]);
    expect(bench.shell("cat host/one host/two; ls -A host/d")).toBe("mine\nmine\n");
    // Out of the way, and it comes back whole.
    bench.shell("rm -r host/one host/d");
    expect((await undo(1)).map(({ path: name }) => name)).toEqual(["two"]);
    expect(bench.shell("cat host/one host/d/in/x host/two")).toBe("one\nx\nmine\n");
  });

  test("a file with two names, one written to and the other's bits changed, comes back by both", async () => {
    const before = host("times");
    await apply("echo 2 > two; chmod 600 twin");
    const after = host("times");
    expect(after).not.toEqual(before);
    expect(await undo(1)).toEqual([]);
    expect(host("times")).toEqual(before);
    expect(await undo(2)).toEqual([]);
    expect(host("times")).toEqual(after);
  });

  test("listSteps() says what each changed and keeps, and boundSteps() forgets the oldest", async () => {
    await apply("echo 1 > one; rm large");
    await apply("echo 22 > one");
    await apply("echo 333 > one; rm -r d");
    await undo(3, ["d"]);
    const all = listSteps(steps());
    expect(all).toMatchObject([
      { number: 1, kind: "apply", folder: at("host"), paths: 2, undonePaths: 0, isDone: true },
      { number: 2, kind: "apply", paths: 1 },
      { number: 3, kind: "apply", paths: 2, undonePaths: 1 },
      { number: 4, kind: "undo", of: 3, paths: 1 },
    ]);
    expect(all[0]?.keptBytes).toBeGreaterThan(300_000);
    expect(all[1]?.keptBytes).toBeLessThan(100_000);
    const bound = (limitBytes: number) => boundSteps({ steps: steps(), cellfiles, limitBytes });
    expect(await bound(10_000_000)).toEqual([]);
    expect((await bound(250_000)).map(({ number }) => number)).toEqual([1]);
    expect(listSteps(steps()).map(({ number }) => number)).toEqual([2, 3, 4]);
    expect(existsSync(path.join(steps(), "1/kept"))).toBe(false);
    await expect(undo(1)).rejects.toMatchObject({
      code: "WC_FILES",
      message: expect.stringContaining("was given up, for room"),
    });
    expect(await undo(3)).toEqual([]);
    expect(await undo(2)).toEqual([]);
    expect(bench.shell("cat host/one")).toBe("1\n");
    // What the forgotten step wrote is known still: no conflict.
    await apply("echo again > one");
    await bound(0);
    expect(listSteps(steps())).toEqual([]);
    await apply("echo more > one");
    expect(bench.shell("cat host/one")).toBe("more\n");
  });

  test("a damaged, cut or lost journal stops with what to do, and what it kept stays", async () => {
    await apply("rm large; echo 1 > one");
    const journal = path.join(steps(), "1/journal.json");
    const text = readFileSync(journal, "utf8");
    const without = text.replace('"inode"', '"node"');
    for (const damaged of [
      text.slice(0, text.length / 2),
      "",
      "[]",
      "null",
      without,
      text.replace('"number":1', '"number":7'),
    ]) {
      writeFileSync(journal, damaged);
      await expect(bench.open()).rejects.toMatchObject({
        code: "WC_FILES",
        remedy: expect.stringContaining(`${steps()}/1/kept`),
      });
    }
    bench.shell("rm -f steps/1/journal.json");
    await expect(bench.open()).rejects.toMatchObject({ code: "WC_FILES" });
    expect(bench.shell("ls steps/1/kept").split("\n").length).toBe(3);
    // As the message says: moved away, everything else goes on.
    bench.shell("mv steps/1 away");
    expect((await bench.open()).changes.map(brief)).toEqual([]);
    writeFileSync(journal.replace("steps/1/", "away/"), text);
    bench.shell("mv away steps/1");
    expect(await undo(1)).toEqual([]);
    expect(bench.shell("cat host/one; stat -c %s host/large")).toBe("one\n300000\n");
  });
});
