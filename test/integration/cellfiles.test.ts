import { readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FileServer } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { lacking } from "../helpers/cellinit.ts";
import { buildCellfiles, FileBench, outcome, starters } from "../helpers/file-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

/** Where temporary files lie on the same tmpfs there are no two file systems to be had. */
const oneFileSystem = statSync("/dev/shm").dev === statSync(tmpdir()).dev;

const one = (name: string) => ({ root: 0, path: name });
const two = (name: string) => ({ root: 1, path: name });

describe.each(starters)("cellfiles, started by $name", (starter) => {
  let bench: FileBench;
  let server: FileServer;
  beforeEach(async () => {
    bench = new FileBench(starter, cellfiles);
    server = await bench.serve();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const nodeStat = (name: string) => statSync(path.join(bench.path, name), { bigint: true });

  test("stat() tells what the kernel tells", async () => {
    bench.shell("echo hello > one/file; chmod 4751 one/file; ln one/file one/other");
    const { dev, ino, mtimeNs, ctimeNs } = nodeStat("one/file");
    expect(await server.stat(one("file"))).toEqual({
      ...{ type: "file", mode: 0o4751, uid: bench.uid, gid: bench.uid, size: 6, links: 2 },
      ...{ mtimeNs, ctimeNs, device: dev, inode: ino },
    });
    expect(await server.stat(one(""))).toMatchObject({ type: "directory", inode: nodeStat("one").ino });
  });

  test("stat() knows every type, opens none of them, and says nothing of what is not there", async () => {
    bench.python(`
os.mkfifo("one/fifo"); os.mkdir("one/folder"); os.symlink(b"/no\\xffwhere", "one/link"); open("one/f", "w")
s = socket.socket(socket.AF_UNIX); s.bind("one/socket")
os.mknod("one/device", 0o020600, os.makedev(0, 0))`);
    const types = await Promise.all(
      ["fifo", "folder", "link", "socket", "device", "f"].map(
        async (name) => (await server.stat(one(name)))?.type,
      ),
    );
    expect(types).toEqual(["fifo", "directory", "symlink", "socket", "device", "file"]);
    expect(await server.stat(one("link"))).toMatchObject({ target: "/no\xffwhere", size: 0 });
    expect(await server.stat(one("none"))).toBeUndefined();
    expect(await server.stat(one("f/below"))).toBeUndefined();
  });

  test("times before 1970 and after 2262 are told and given", async () => {
    bench.python(
      'open("one/old", "w"); os.utime("one/old", ns=(0, -1500000000)); open("one/new", "w"); os.utime("one/new", (0, 9300000000))',
    );
    expect(await server.stat(one("old"))).toMatchObject({ mtimeNs: -1_500_000_000n });
    expect(await server.stat(one("new"))).toMatchObject({ mtimeNs: 9_300_000_000_000_000_000n });
    const copied = await server.copy(one("old"), two("old"), { ...bench.as, mtimeNs: -1_500_000_000n });
    expect(copied.mtimeNs).toBe(-1_500_000_000n);
    expect(nodeStat("two/old").mtimeNs).toBe(-1_500_000_000n);
  });

  test("scan() lists names in any bytes, in order, each folder before what is in it", async () => {
    bench.python(`
os.chdir(b"one")
for n in [b"b", b"b-c", b"\\xff\\xfe", b"new\\nline", b"*", b" ", b"\\xc3\\xa9"]: os.mkdir(n); open(n + b"/x", "w")
os.mkdir(b"b/x2"); os.mkdir(b"b/x2/deep")`);
    const names = [" ", "*", "b", "b-c", "new\nline", "\xc3\xa9", "\xff\xfe"];
    const listed = (await server.scan(one(""))).map((entry) => entry.path);
    expect(listed).toEqual(
      names.flatMap((name) => [name, `${name}/x`, ...(name === "b" ? ["b/x2", "b/x2/deep"] : [])]),
    );
    expect((await server.scan(one("b"))).map((entry) => entry.path)).toEqual(["b/x", "b/x2", "b/x2/deep"]);
    expect(await server.scan(one("b/x2/deep"))).toEqual([]);
    expect(await outcome(server.scan(one("b/x")))).toBe("ENOTDIR");
    expect(await outcome(server.scan(one("none")))).toBe("ENOENT");
  });

  test("scan() reads overlayfs's marks, and only those of its own kind", async () => {
    const own = bench.uid === 0 ? "trusted" : "user";
    bench.python(`
for n in ["opaque", "false", "marked"]: os.mkdir("one/" + n); open("one/" + n + "/file", "w")
os.mknod("one/gone", 0o020000, os.makedev(0, 0))
os.setxattr("one/opaque", "${own}.overlay.opaque", b"y")
os.setxattr("one/marked", "${own}.overlay.opaque", b"x")
for n in ["opaque", "marked"]: os.setxattr("one/" + n + "/file", "${own}.overlay.whiteout", b"")
if "${own}" == "trusted": os.setxattr("one/false", "user.overlay.opaque", b"y")`);
    const marks = (await server.scan(one(""))).map(({ path: name, whiteout, opaque, xattrs }) => [
      name,
      { whiteout, opaque, xattrs },
    ]);
    const none = { whiteout: false, opaque: false, xattrs: undefined };
    expect(Object.fromEntries(marks)).toEqual({
      ...{ false: none, "false/file": none, gone: { ...none, whiteout: true }, marked: none },
      ...{
        "marked/file": { ...none, whiteout: true },
        opaque: { ...none, opaque: true },
        "opaque/file": none,
      },
    });
    const otherwise = await bench.serve(["one"], { userXattr: bench.uid === 0 });
    const seen = (await otherwise.scan(one(""))).filter((entry) => entry.opaque).map((entry) => entry.path);
    expect(seen).toEqual(bench.uid === 0 ? ["false"] : []);
  });

  test("read() gives bytes from an offset, and fewer at the end", async () => {
    bench.shell("seq 1 400000 > one/file");
    const whole = readFileSync(path.join(bench.path, "one/file"));
    const MiB = 1 << 20;
    const parts = await Promise.all([0, 1, 2].map((index) => server.read(one("file"), index * MiB, MiB)));
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    expect(await server.read(one("file"), whole.length - 3, 10)).toHaveLength(3);
    expect(await server.read(one("file"), whole.length, 10)).toHaveLength(0);
    expect(await outcome(server.read(one("file"), 0, MiB + 1))).toBe("EINVAL");
  });

  test("read() and copy() refuse what is no file, and wait for nobody", async () => {
    bench.python(`
os.mkfifo("one/fifo"); os.mkdir("one/folder"); os.symlink("file", "one/link"); open("one/file", "w")
s = socket.socket(socket.AF_UNIX); s.bind("one/socket")
os.mknod("one/device", 0o020600, os.makedev(0, 0))`);
    const refusals: Record<string, string> = {
      ...{ fifo: "EOPNOTSUPP", socket: "EOPNOTSUPP", device: "EOPNOTSUPP", folder: "EISDIR" },
    };
    for (const [name, errno] of Object.entries(refusals)) {
      expect(await outcome(server.read(one(name), 0, 1))).toBe(errno);
      expect(await outcome(server.copy(one(name), two(name), bench.as))).toBe(errno);
      expect(await outcome(server.isSame(one("file"), one(name)))).toBe(errno);
      expect(await server.stat(two(name))).toBeUndefined();
    }
    expect(await outcome(server.read(one("link"), 0, 1))).toBe("ELOOP");
  });

  test("isSame() compares bytes, not sizes or times", async () => {
    bench.shell(
      "seq 1 99999 > one/a; cp one/a two/a; sed 's/^99999$/99998/' one/a > two/b; seq 1 9 > two/c; touch one/e two/e; ln one/a one/l",
    );
    const pairs = ["a", "b", "c"].map((name) => server.isSame(one("a"), two(name)));
    expect(await Promise.all(pairs)).toEqual([true, false, false]);
    expect(await server.isSame(one("e"), two("e"))).toBe(true);
    expect(await server.isSame(one("a"), one("l"))).toBe(true);
    expect(await outcome(server.isSame(one("a"), two("none")))).toBe("ENOENT");
  });

  test("exchange() and rename() move names, and replace nothing", async () => {
    bench.shell("echo a > one/a; mkdir two/b; echo in > two/b/in; echo c > one/c");
    await server.exchange(one("a"), two("b"));
    expect(bench.shell("cat two/b one/a/in")).toBe("a\nin\n");
    expect(await outcome(server.exchange(one("a"), two("none")))).toBe("ENOENT");
    expect(await outcome(server.rename(one("c"), two("b")))).toBe("EEXIST");
    await server.rename(one("c"), two("d"));
    expect(bench.shell("cat two/b two/d; ls one")).toBe("a\nc\na\n");
  });

  test.skipIf(oneFileSystem)("rename() and link() say EXDEV between file systems; copy() goes", async () => {
    bench.shell('echo a > one/a; rm -rf "/dev/shm/cellfiles-$UID"; mkdir "/dev/shm/cellfiles-$UID"');
    const shm = `/dev/shm/cellfiles-${bench.uid}`;
    try {
      const both = await bench.serve(["one", shm]);
      expect(await outcome(both.rename(one("a"), two("a")))).toBe("EXDEV");
      expect(await outcome(both.link(one("a"), two("a")))).toBe("EXDEV");
      await both.copy(one("a"), two("a"), bench.as);
      expect(await outcome(both.exchange(one("a"), two("a")))).toBe("EXDEV");
      expect(bench.shell(`cat ${shm}/a`)).toBe("a\n");
      await both.sync(0);
      await both.sync(1);
    } finally {
      bench.shell(`rm -r ${shm}`);
    }
  });

  test.skipIf(oneFileSystem || lacking("strace").length > 0)(
    "sync() reaches every file system that was written to, once",
    async () => {
      const traced = path.join(place.path, "traced");
      const trace = path.join(bench.path, "trace");
      const script = `#!/bin/sh\nexec /usr/bin/strace -e trace=syncfs,sync -o '${trace}' '${cellfiles}' "$@"\n`;
      writeFileSync(traced, script, { mode: 0o755 });
      await using slow = new FileBench(starter, traced);
      const shm = bench.shell("echo a > one/a; mktemp -d /dev/shm/cellfiles-XXXXXX").trim();
      try {
        const both = await slow.serve([path.join(bench.path, "one"), shm]);
        await both.copy(one("a"), two("a"), bench.as);
        await both.sync(0);
        await both.sync(0);
        await both.close();
      } finally {
        bench.shell(`rm -r ${shm}`);
      }
      expect(readFileSync(trace, "utf8").match(/^[a-z]+/gm)).toEqual(["syncfs", "syncfs", "syncfs"]);
    },
  );

  test("link() gives a file or a symlink another name", async () => {
    bench.shell("echo a > one/a; ln -s nowhere one/l; mkdir one/d");
    await server.link(one("a"), two("b"));
    await server.link(one("l"), two("l"));
    expect(nodeStat("two/b").ino).toBe(nodeStat("one/a").ino);
    expect(await server.stat(two("l"))).toMatchObject({ type: "symlink", links: 2, target: "nowhere" });
    expect(await outcome(server.link(one("a"), two("b")))).toBe("EEXIST");
    expect(await outcome(server.link(one("d"), two("d")))).toBe("EPERM");
  });

  test("remove() takes a file, a link or an empty folder", async () => {
    bench.shell("echo a > one/a; mkdir one/e one/f; touch one/f/x; ln -s f one/l");
    for (const name of ["a", "e", "l"]) await server.remove(one(name));
    expect(await outcome(server.remove(one("f")))).toBe("ENOTEMPTY");
    expect(await outcome(server.remove(one("a")))).toBe("ENOENT");
    expect(await outcome(server.remove(one("")))).toBe("EINVAL");
    expect(bench.shell("ls one one/f")).toBe("one:\nf\n\none/f:\nx\n");
  });

  test("a place that is held refuses what stands there instead", async () => {
    bench.shell("echo a > one/a; echo b > one/b");
    const { dev: device, ino: inode } = nodeStat("one/a");
    const held = (name: string) => ({ ...one(name), is: { device, inode } });
    expect(await server.read(held("a"), 0, 9)).toHaveLength(2);
    const attempts = [
      server.stat(held("b")),
      server.read(held("b"), 0, 9),
      server.isSame(one("a"), held("b")),
      server.copy(held("b"), two("c"), bench.as),
      server.link(held("b"), two("c")),
      server.setAttributes(held("b"), bench.as, one("a")),
      server.exchange(one("a"), held("b")),
      server.rename(held("b"), two("c")),
      server.remove(held("b")),
      server.scan({ ...one(""), is: { device, inode } }),
    ];
    expect(new Set(await Promise.all(attempts.map(outcome)))).toEqual(new Set(["ESTALE"]));
    expect(bench.shell("cat one/a one/b; ls two")).toBe("a\nb\n");
    await server.remove(held("a"));
    expect(bench.shell("ls one")).toBe("b\n");
  });

  test("answers come in the order of the requests, whatever they are", async () => {
    bench.shell("echo a > one/a");
    const steps = [
      server.copy(one("a"), two("x"), bench.as),
      server.link(two("x"), two("y")),
      server.remove(two("x")),
      server.rename(two("y"), two("z")),
      server.stat(two("z")),
    ];
    expect((await Promise.all(steps)).at(-1)).toMatchObject({ size: 2, links: 1 });
  });
});
