import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listSteps, type OpenLayer, type StepResult } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { type Counted, treeOf } from "../helpers/census.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { LayerBench } from "../helpers/layer-bench.ts";
import { canMountDisks, SmallDisk } from "../helpers/small-disk.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const files = [1, 2, 3, 4, 5, 6, 7, 8];
const half = 500_000;
const random = `head -c ${half} /dev/urandom`;
const MB = 1024 ** 2;

/** What a file is, whatever its names and the steps in which it came there. */
const contents = (tree: readonly Counted[]) => tree.map(({ same: _same, ...entry }) => JSON.stringify(entry));

describe.skipIf(!canMountDisks()).each(starters)("a disk that fills, by $name", (starter) => {
  let bench: LayerBench;
  const disks: SmallDisk[] = [];
  beforeEach(() => {
    bench = new LayerBench(starter, cellfiles);
  });
  afterEach(async () => {
    for (const disk of disks.splice(0)) disk[Symbol.dispose]();
    await bench[Symbol.asyncDispose]();
  });
  const at = (name: string) => path.join(bench.path, name);
  const host = () => treeOf(at("host"), "times");

  function disk(name: string, megabytes: number): SmallDisk {
    const made = new SmallDisk(at(name), { megabytes, uid: bench.uid });
    disks.push(made);
    return made;
  }

  /** What the folder's files were, and what the session made of them. */
  let olds: readonly Counted[] = [];
  let theirs: readonly Counted[] = [];

  /** Eight files, of which the layer has other versions; how the folder is before and after. */
  function prepare(): readonly Counted[] {
    bench.shell(`for i in ${files.join(" ")}; do ${random} > host/$i; done; sleep 0.02`);
    bench.baseTimeNs = bench.now();
    bench.inLayer(`for i in ${files.join(" ")}; do ${random} > $i; done; mkdir new; echo n > new/n`);
    theirs = treeOf(at("layer/upper"));
    olds = host();
    return olds;
  }

  /** Each file is the one or the other, and nothing of Workcell's own stands in the folder. */
  function expectOldOrNew(before: readonly Counted[]): void {
    const now = host();
    const sums = [...before, ...theirs, ...olds].map(
      (entry) => `${entry.path} ${JSON.stringify(entry["sum"])}`,
    );
    for (const entry of now)
      expect(sums.filter((one) => one.startsWith(`${entry.path} `))).toContain(
        `${entry.path} ${JSON.stringify(entry["sum"])}`,
      );
    expect(now.filter(({ path: name }) => name.includes(".workcell-"))).toEqual([]);
    const stays = before.filter(({ path: name }) => !/^gone(\/|$)/.test(name));
    const lost = stays.filter((entry) => !now.some((one) => one.path === entry.path));
    expect(lost).toEqual([]);
  }

  const partsIn = (steps: string) => bench.shell(`find ${steps} -name '*.part'`);

  async function with_<T>(use: (open: OpenLayer) => Promise<T>): Promise<T> {
    const opened = await bench.open();
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  }
  const applyAll = (): Promise<StepResult> => with_((open) => open.apply(open.changes));
  const undo = (number: number): Promise<StepResult> => with_((open) => open.undo(number));

  test("where originals are kept on another disk, and that fills while they go there: the rest is left, and goes later", async () => {
    const small = disk("small", 8);
    bench.steps = path.join(small.point, "steps");
    bench.shell("mkdir small/steps");
    const before = prepare();
    small.fill(2 * MB);
    const { step, left } = await applyAll();
    expect(step).toMatchObject({ number: 1, state: "done" });
    // Some went, some did not, and each that did not says why.
    expect(left.length).toBeGreaterThan(2);
    expect(left.length).toBeLessThan(files.length);
    for (const { why } of left) expect(why).toContain("ENOSPC");
    expectOldOrNew(before);
    expect(partsIn(bench.steps)).toBe("");
    small.free();
    // Put back, they are no conflict.
    expect((await applyAll()).left).toEqual([]);
    const after = host();
    await with_(async (open) => expect(open.changes).toEqual([]));
    // The way back needs room as well: for what it takes out.
    small.fill(1 * MB);
    const back = await undo(2);
    expect(back.left.length).toBeGreaterThan(0);
    expectOldOrNew(before);
    expect(partsIn(bench.steps)).toBe("");
    small.free();
    expect((await undo(2)).left).toEqual([]);
    expect((await undo(1)).left).toEqual([]);
    expect(contents(host())).toEqual(contents(before));
    expect(contents(after)).not.toEqual(contents(before));
  });

  test("a folder whose disk is full when a step is undone: nothing is done, and what was kept stays", async () => {
    const small = disk("host", 12);
    const before = prepare();
    expect((await applyAll()).left).toEqual([]);
    const after = host();
    small.fill();
    await expect(undo(1)).rejects.toMatchObject({
      code: "WC_FILES",
      message: expect.stringContaining("ENOSPC"),
      remedy: expect.stringContaining("Free space"),
    });
    expect(host().filter(({ path: name }) => name !== ".ballast")).toEqual(after);
    small.free();
    expect((await undo(1)).left).toEqual([]);
    expect(contents(host())).toEqual(contents(before));
  });

  interface Limited {
    readonly small: SmallDisk;
    readonly bytes: number;
    readonly before: readonly Counted[];
    readonly number: number;
  }

  /** What became of a step that had so much room: its folder, its layer and its steps lie on one disk. */
  async function within(
    { small, bytes, before, number }: Limited,
    make: (open: OpenLayer) => Promise<StepResult>,
  ): Promise<string> {
    const opened = await bench.open();
    small.fill(bytes);
    const [result, error] = await make(opened).then(
      (done) => [done, undefined] as const,
      (failed: unknown) =>
        [undefined, failed as { code?: unknown; message: string; remedy: string }] as const,
    );
    await opened.close();
    expectOldOrNew(before);
    if (error === undefined) return result?.left.length === 0 ? "done" : "done in part";
    expect(error).toMatchObject({ code: "WC_FILES", message: expect.stringContaining("ENOSPC") });
    expect(error.remedy).toContain("Free space");
    if (!error.message.startsWith(`Cannot finish step ${number}`)) {
      expect(host()).toEqual(before);
      return "not begun";
    }
    // All of it is done but for the word that says so.
    expect(error.message).toMatch(/: (\d+) of \1 paths are done: /);
    // As long as there is no room the next command ends the same way, and changes nothing.
    const then = host();
    await expect(bench.open()).rejects.toMatchObject({ code: "WC_FILES", remedy: error.remedy });
    expect(host()).toEqual(then);
    return "begun";
  }

  const count = 100;
  const all = `$(seq ${count})`;

  function prepareMany(): readonly Counted[] {
    bench.shell(`mkdir -p layer; chmod -R u+rwx layer; rm -rf host layer steps
      mkdir -p host layer/upper layer/work layer/merged steps
      for i in ${all}; do echo "old $i" > host/$i; done; mkdir host/gone; echo g > host/gone/g; sleep 0.02`);
    bench.baseTimeNs = bench.now();
    bench.inLayer(`for i in ${all}; do echo "new $i" > $i; done; rm -r gone`);
    theirs = treeOf(at("layer/upper"));
    olds = host();
    return olds;
  }

  test("a step whose disk is full at whatever moment: old or new, and the next command that has room finishes it", async () => {
    const small = disk("", 16);
    const [applied, undone] = [new Set<string>(), new Set<string>()];
    for (let kilobytes = 0; kilobytes <= 160; kilobytes += 16) {
      small.free();
      const before = prepareMany();
      const room = { small, bytes: (440 + kilobytes) * 1024, before, number: 1 };
      applied.add(await within(room, (open) => open.apply(open.changes)));
      small.free();
      expect((await applyAll()).left).toEqual([]);
      expect(bench.shell(`cd host; ls | wc -l; cat ${all} | grep -c new`)).toBe(`${count}\n${count}\n`);
      expect(partsIn("steps")).toBe("");
      expect(listSteps(at("steps"))).toMatchObject([{ number: 1, isDone: true, changes: count + 1 }]);
      const less = { small, bytes: (8 + kilobytes) * 1024, before: host(), number: 2 };
      undone.add(await within(less, (open) => open.undo(1)));
      small.free();
      const back = await undo(1);
      expect(back.left).toEqual([]);
      expect(contents(host())).toEqual(contents(before));
    }
    console.log(`${starter.name}: apply ${[...applied].join(", ")}; undo ${[...undone].join(", ")}`);
    for (const outcomes of [applied, undone])
      expect([...outcomes].sort()).toEqual(["begun", "done", "not begun"]);
  }, 180_000);
});
