import { statfsSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FileServer } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { buildCellfiles, FileBench, starters } from "../helpers/file-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const GB = 1_000_000_000;
const one = (name: string) => ({ root: 0, path: name });
const two = (name: string) => ({ root: 1, path: name });

/** The server of these tests has 24 descriptors (test/helpers/file-bench.ts). */
describe.each(starters)("cellfiles with what is large, started by $name", (starter) => {
  let bench: FileBench;
  let server: FileServer;
  beforeEach(async () => {
    bench = new FileBench(starter, cellfiles);
    server = await bench.serve();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  test("a sparse file of 5 GB stays sparse, and is compared by what it holds", async () => {
    bench.python(`
with open("one/sparse", "wb") as f:
  f.truncate(${5 * GB})
  for at, what in [(0, b"first"), (${3 * GB}, b"middle" * 99999), (${5 * GB - 4}, b"last")]: f.seek(at); f.write(what)`);
    const stored = (name: string) => statSync(path.join(bench.path, name)).blocks * 512;
    expect(stored("one/sparse")).toBeLessThan(GB / 100);
    const entry = await server.copy(one("sparse"), two("sparse"), bench.as);
    expect(entry.size).toBe(5 * GB);
    expect(stored("two/sparse")).toBeLessThan(GB / 100);
    expect(await server.isSame(one("sparse"), two("sparse"))).toBe(true);
    const end = await server.read(two("sparse"), 5 * GB - 8, 100);
    expect(Buffer.from(end).toString("latin1")).toBe("\0\0\0\0last");
    bench.python(`f = open("two/sparse", "r+b"); f.seek(${4 * GB}); f.write(b"x")`);
    expect(await server.isSame(one("sparse"), two("sparse"))).toBe(false);
  });

  test("a file that is a hole to its end keeps its length, and so does one that is nothing else", async () => {
    bench.shell("truncate -s 300000 one/hole; echo x > one/tail; truncate -s 3000000 one/tail");
    for (const name of ["hole", "tail"]) {
      await server.copy(one(name), two(name), bench.as);
      expect(await server.isSame(one(name), two(name))).toBe(true);
    }
    expect(bench.shell("cmp one/hole two/hole; cmp one/tail two/tail; stat -c %s two/*")).toBe(
      "300000\n3000000\n",
    );
  });

  test("a large file goes over to another file system whole", async ({ skip }) => {
    skip(statSync("/dev/shm").dev === statSync(bench.path).dev, "one file system here");
    const { bavail, bsize } = statfsSync("/dev/shm");
    skip(bavail * bsize < 100e6, "no room on /dev/shm");
    const shm = bench.shell("mktemp -d /dev/shm/cellfiles-XXXXXX").trim();
    try {
      const both = await bench.serve(["one", shm]);
      bench.shell("head -c 20000000 /dev/urandom > one/large; truncate -s 40000000 one/large");
      await both.copy(one("large"), two("large"), bench.as);
      expect(await both.isSame(one("large"), two("large"))).toBe(true);
      expect(bench.shell(`cmp one/large ${shm}/large && stat -c %b ${shm}/large`).trim()).toBe("39064");
    } finally {
      bench.shell(`rm -r ${shm}`);
    }
  });

  test("a folder of 20,000 entries is listed whole", async () => {
    bench.python('for n in range(20000): open("one/%05d" % n, "w").close()');
    const listed = await server.scan(one(""));
    expect(listed.map((entry) => entry.path)).toEqual(
      Array.from({ length: 20_000 }, (_, index) => `${index}`.padStart(5, "0")),
    );
  });

  test("folders nested 2,000 deep, by a path longer than the kernel takes, are as good as any", async () => {
    bench.python(`
os.chdir("one")
for n in range(2000): os.mkdir("deep"); os.chdir("deep")
open("file", "w").write("bottom")`);
    const listed = await server.scan(one(""));
    expect(listed).toHaveLength(2001);
    const file = listed.at(-1)?.path ?? "";
    expect(file).toBe(`${"deep/".repeat(2000)}file`);
    expect(await server.stat(one(file))).toMatchObject({ size: 6 });
    await server.copy(one(file), one(file.replace(/file$/, "copy")), bench.as);
    await server.rename(one(file.replace(/file$/, "copy")), two("up"));
    expect(bench.shell("cat two/up")).toBe("bottom");
    await server.remove(one(file));
    expect(await server.stat(one(file))).toBeUndefined();
  });

  test("an extended attribute of 60 kB does not break an answer, where the file system takes one", async ({
    skip,
  }) => {
    const shm = bench.shell("mktemp -d /dev/shm/cellfiles-XXXXXX").trim();
    try {
      const set = `
try:
  for n in range(8): open("${shm}/%d" % n, "w").close(); os.setxattr("${shm}/%d" % n, "user.long", b"x" * 60000)
except OSError as error: print(error)`;
      const refused = bench.python(set);
      skip(refused !== "", `no such attributes on /dev/shm: ${refused}`);
      const served = await bench.serve([shm]);
      const listed = await served.scan(one(""));
      expect(listed.map(({ xattrs }) => xattrs?.["user.long"]?.length)).toEqual(Array(8).fill(60_000));
    } finally {
      bench.shell(`rm -r ${shm}`);
    }
  });
});
