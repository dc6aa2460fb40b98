import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { OpenLayer } from "../../src/changes/index.ts";
import { makePlace, type Place, runScript, runToEnd } from "../helpers/cellhost.ts";
import { treeOf } from "../helpers/census.ts";
import { buildCellfiles, starters } from "../helpers/file-bench.ts";
import { brief, LayerBench } from "../helpers/layer-bench.ts";
import { removeTree } from "../helpers/remove-tree.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const isRoot = process.getuid?.() === 0;
const seed = `
  mkdir -p host/d/in host/e; echo one > host/one; echo two > host/two; echo x > host/d/in/x; echo y > host/d/y; echo z > host/e/z
  ln -s one host/link; sleep 0.02
`;
const work =
  "echo 1 > one; rm two; rm -r d; mkdir d; echo n > d/new; ln -sfn e link; chmod 700 e; echo m > made";
const free = ({ changes }: OpenLayer) =>
  changes.filter((change) => change.conflict === undefined && change.class !== "refused");

describe.each(starters)("by $name", (starter) => {
  let bench: LayerBench;
  beforeEach(() => {
    bench = new LayerBench(starter, cellfiles);
    bench.shell(seed);
    bench.baseTimeNs = bench.now();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const at = (name: string) => path.join(bench.path, name);
  const host = (...words: readonly string[]) => treeOf(at("host"), ...words);
  /** As whoever runs the tests. */
  const asRunner = (script: string) => {
    const done = runScript(script, [bench.path], { timeout: 60_000 });
    expect([done.status, done.stderr]).toEqual([0, ""]);
    return done.stdout;
  };

  test("steps kept on another file system go there and come back whole", async () => {
    const other = runToEnd([
      ...starter.prefix,
      "mktemp",
      "-d",
      "/dev/shm/workcell-steps-XXXXXX",
    ]).stdout.trim();
    try {
      bench.steps = other;
      bench.shell(
        "mkdir host/d/shut; echo s > host/d/shut/s; chmod 500 host/d/shut; ln host/d/y host/d/shut2",
      );
      bench.baseTimeNs = bench.now() + 1n;
      const before = host("times");
      bench.inLayer(`chmod 700 d/shut; ${work}`);
      const opened = await bench.open();
      expect((await opened.apply(opened.changes)).left).toEqual([]);
      const after = host("times");
      expect((await opened.undo(1)).left).toEqual([]);
      // A copy is a file of its own.
      const alone = (tree: readonly object[]) => tree.map((entry) => ({ ...entry, same: "" }));
      expect(alone(host("times"))).toEqual(alone(before));
      expect((await opened.undo(2)).left).toEqual([]);
      expect(host("times")).toEqual(after);
    } finally {
      removeTree(other);
    }
  });

  test("a layer damaged by hand: what is no file is left out, the rest goes on", async () => {
    bench.inLayer("echo 1 > one; echo n > e/new");
    bench.shell(`cd layer/upper; mkfifo pipe; mkdir -p a/b; mkfifo a/b/p; echo in > a/in
      /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'`);
    if (isRoot)
      asRunner(
        `cd "$1/layer/upper"; mknod null c 1 3; mknod d c 0 0; mknod nowhere c 0 0; mknod block b 7 0`,
      );
    // Deeper than any path may be long.
    bench.python(`os.chdir("layer/upper")
for level in range(900):
    os.mkdir("deep"); os.chdir("deep")
open("bottom", "w").write("here")`);
    const opened = await bench.open();
    const { left } = await opened.apply(opened.changes);
    expect(left.map(({ path: name }) => name)).toEqual(
      isRoot ? ["a/b/p", "block", "null", "pipe", "sock"] : ["a/b/p", "pipe", "sock"],
    );
    expect(
      bench.shell("cat host/one host/e/new host/a/in; ls host/a/b; ls -d host/d 2>/dev/null || true"),
    ).toBe(isRoot ? "1\nn\nin\n" : "1\nn\nin\nhost/d\n");
    expect(bench.shell("find host -name bottom 2>/dev/null | wc -l")).toBe("1\n");
    await opened.undo(1);
    expect(bench.shell("ls host; cat host/one")).toBe("d\ne\nlink\none\ntwo\none\n");
  });

  test("two sessions apply to one folder, one after the other and side by side: the second has conflicts", async () => {
    bench.inLayer("echo first > one; echo a > a; rm -r d");
    bench.shell("mkdir -p next/upper next/work next/merged; mv layer first; mv next layer");
    bench.inLayer("echo second > one; echo b > a; echo 2 > d/y; echo own > own");
    const second = await bench.open();
    bench.shell("mkdir other; mv layer second; mv first layer");
    bench.steps = "other";
    const first = await bench.open();
    const both = await Promise.all([first.apply(free(first)), second.apply(free(second))]);
    const left = both.map((one) => one.left.map(({ path: name }) => name));
    // Each path was somebody's, whole.
    expect(bench.shell("cat host/one host/a")).toMatch(/^(first|second)\n[ab]\n$/);
    expect(bench.shell("cat host/own")).toBe("own\n");
    expect(
      [...(left[0] ?? []), ...(left[1] ?? [])].filter((name) => name === "one" || name === "a").sort(),
    ).toEqual(["a", "one"]);
    await first.close();
    await second.close();
    bench.shell("mv layer third; mv second layer");
    bench.steps = "steps";
    const again = await bench.open();
    expect(again.changes.every(({ conflict, kind }) => conflict !== undefined || kind === "added")).toBe(
      true,
    );
  });

  test("a folder that vanished, or another in its place, is an explained end", async () => {
    bench.inLayer(work);
    const input = bench.input();
    bench.shell("mv host away; mkdir host");
    const { openLayer } = await import("../../src/changes/index.ts");
    await expect(openLayer(input)).rejects.toMatchObject({
      code: "WC_FILES",
      message: expect.stringContaining("another folder"),
    });
    bench.shell("rmdir host");
    await expect(openLayer(input)).rejects.toMatchObject({ code: "WC_FILES" });
    bench.shell("mv away host");
    expect((await bench.open()).changes.length).toBeGreaterThan(5);
  });

  test("5 GB of a sparse file go over and come back, and stay sparse", async () => {
    bench.inLayer("truncate -s 5G large; printf end | dd of=large bs=1 seek=5G conv=notrunc status=none");
    const opened = await bench.open();
    expect((await opened.apply(opened.changes)).left).toEqual([]);
    expect(
      bench.shell("stat -c %s host/large; tail -c 3 host/large; test $(stat -c %b host/large) -lt 100"),
    ).toBe("5368709123\nend");
    expect((await opened.undo(1)).left).toEqual([]);
    expect(bench.shell("ls host")).toBe("d\ne\nlink\none\ntwo\n");
  });

  test.skipIf(starter.prefix.length === 0)(
    "a file that belongs to another is left, and the others go over",
    async () => {
      asRunner(
        `cd "$1/host"; mkdir theirs; echo t > theirs/t; chmod 755 theirs; echo r > root; chmod 644 root; sleep 0.02`,
      );
      bench.baseTimeNs = bench.now();
      bench.inLayer("echo 1 > one; rm root; rm two");
      asRunner(`cd "$1/layer/upper"; mkdir theirs; echo new > theirs/new; chown -R 54321:54321 theirs`);
      const opened = await bench.open();
      const { left } = await opened.apply(opened.changes);
      expect(left).toEqual([
        { path: "theirs", why: expect.stringContaining("EPERM") },
        { path: "theirs/new", why: expect.stringContaining("EACCES") },
      ]);
      expect(bench.shell("cat host/one host/theirs/t; ls host/theirs host")).toMatch(/^1\nt\n/);
      expect(bench.shell("find host -name '.workcell-*'")).toBe("");
      expect((await bench.open()).changes.map(brief)).toContain("added theirs/new");
    },
  );

  test.skipIf(!isRoot)("a full disk: nothing is done, and nothing stays beside", async () => {
    asRunner(
      `cd "$1"; mkdir small; mount -t tmpfs -o size=600k,mode=777 none small; cp -a host/. small/; chown --reference=host small`,
    );
    try {
      bench.shell("sleep 0.02; mv host was; ln -s small host");
      bench.shell("rm host; mkdir host");
      asRunner(`mount --move "$1/small" "$1/host"`);
      bench.baseTimeNs = bench.now();
      bench.inLayer(
        "echo 1 > one; rm two; rm -r d; head -c 400000 /dev/urandom > big; head -c 400000 /dev/urandom > big2",
      );
      const before = host("times");
      const opened = await bench.open();
      await expect(opened.apply(opened.changes)).rejects.toMatchObject({
        code: "WC_FILES",
        message: expect.stringContaining("ENOSPC"),
        remedy: expect.stringContaining("Free space"),
      });
      expect(host("times")).toEqual(before);
      expect((await bench.open()).steps).toEqual([]);
      const small = (await bench.open()).changes.filter(({ path: name }) => name !== "big2");
      expect((await (await bench.open()).apply(small)).left).toEqual([]);
      expect(bench.shell("cat host/one; stat -c %s host/big; ls host")).toBe(
        "1\n400000\nbig\ne\nlink\none\n",
      );
    } finally {
      runToEnd(["umount", "-l", at("host")]);
      runToEnd(["umount", "-l", at("small")]);
    }
  });

  test.skipIf(!isRoot)("a read-only folder: an explained end, and the changes wait", async () => {
    bench.inLayer(work);
    asRunner(`mount --bind "$1/host" "$1/host"; mount -o remount,bind,ro "$1/host"`);
    try {
      const opened = await bench.open();
      await expect(opened.apply(opened.changes)).rejects.toMatchObject({
        code: "WC_FILES",
        message: expect.stringContaining("EROFS"),
      });
      await opened.close();
    } finally {
      runToEnd(["umount", at("host")]);
    }
    const opened = await bench.open();
    expect(opened.steps).toEqual([]);
    expect((await opened.apply(opened.changes)).left).toEqual([]);
  });

  test.skipIf(starter.name !== "root")(
    "what is mounted in the folder is not what the session saw: a conflict, and it stays",
    async () => {
      asRunner(
        `mkdir "$1/host/e/m"; mount -t tmpfs -o mode=777 none "$1/host/e/m"; echo data > "$1/host/e/m/data"; chown --reference="$1/host" "$1/host/e/m" "$1/host/e/m/data"`,
      );
      try {
        bench.shell("sleep 0.02");
        bench.baseTimeNs = bench.now();
        bench.inLayer("rm -r e; mkdir -p e/m; echo new > e/m/data; echo 1 > one");
        const opened = await bench.open();
        const conflicts = opened.changes.filter(({ conflict }) => conflict !== undefined);
        expect(conflicts.map(brief)).toEqual(["attributes e/m", "changed e/m/data"]);
        for (const { conflict } of conflicts) expect(conflict).toContain("mounted there");
        await opened.apply(free(opened));
        expect(bench.shell("cat host/e/m/data host/one")).toBe("data\n1\n");
        // Also who says it all the same loses nothing.
        const again = await bench.open();
        await again.apply(again.changes);
        await again.undo(2);
        expect(bench.shell("cat host/e/m/data")).toBe("data\n");
      } finally {
        runToEnd(["umount", at("host/e/m")]);
      }
    },
  );

  test("a folder that hides the person's, and is shut against its owner, hides it still", async () => {
    const before = host("times");
    bench.inLayer("rm -r d; mkdir d; echo n > d/n; chmod 100 d; rm e/z; chmod 0 e");
    const opened = await bench.open();
    expect((await opened.apply(opened.changes)).left).toEqual([]);
    expect(host().map(({ path: name, mode }) => `${name} ${mode ?? ""}`)).toEqual([
      "d 0o100",
      "d/n 0o644",
      "e 0o0",
      "link ",
      "one 0o644",
      "two 0o644",
    ]);
    expect((await opened.undo(1)).left).toEqual([]);
    expect(host("times")).toEqual(before);
  });

  test("a folder's own set-id bit is not lost: its other bits are the person's to change", async () => {
    bench.shell("chmod 2755 host/e; sleep 0.02");
    bench.baseTimeNs = bench.now();
    bench.inLayer("chmod 700 e; echo n > e/new");
    const opened = await bench.open();
    const { left } = await opened.apply(opened.changes);
    expect(left).toEqual([{ path: "e", why: expect.stringContaining("set-id") }]);
    expect(bench.shell("stat -c %a host/e; cat host/e/new")).toBe("2755\nn\n");
  });

  test.skipIf(starter.name !== "root")("files of several owners keep them", async () => {
    asRunner(`cd "$1/host"; chown 7:8 one d/y; chown 9:9 e; sleep 0.02`);
    bench.baseTimeNs = bench.now();
    const before = host("times");
    bench.inLayer("id -u");
    asRunner(`cd "$1"; mount -t overlay ov -o redirect_dir=off,metacopy=off,index=off,lowerdir=host,upperdir=layer/upper,workdir=layer/work layer/merged
      cd layer/merged; echo 1 > one; rm -r d; chmod 700 e; echo n > e/new; cd /; umount "$1/layer/merged"`);
    const opened = await bench.open();
    expect((await opened.apply(opened.changes)).left).toEqual([]);
    expect(bench.shell("stat -c '%u:%g %a' host/one host/e")).toBe("7:8 644\n9:9 700\n");
    expect((await opened.undo(1)).left).toEqual([]);
    expect(host("times")).toEqual(before);
  });
});
