import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FileServer } from "../../src/changes/index.ts";
import { makePlace, type Place, runToEnd } from "../helpers/cellhost.ts";
import { buildCellfiles, FileBench, outcome, starters } from "../helpers/file-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const one = (name: string) => ({ root: 0, path: name });
const two = (name: string) => ({ root: 1, path: name });

/** A list of rights: the owner, user 7, the group, the mask, others. */
const acl = `
import struct
def acl(mask): return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", t, p, i) for t, p, i in
  [(1, 7, 0xffffffff), (2, 6, 7), (4, 5, 0xffffffff), (16, mask, 0xffffffff), (32, 0, 0xffffffff)])
`;

describe.each(starters)("cellfiles copies, started by $name", (starter) => {
  let bench: FileBench;
  let server: FileServer;
  beforeEach(async () => {
    bench = new FileBench(starter, cellfiles);
    server = await bench.serve();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const at = (name: string) => path.join(bench.path, name);

  test("copy() gives the content, the owner, the bits and the time that were asked for", async () => {
    bench.shell("seq 1 300000 > one/large; echo small > one/small; touch one/empty; chmod 700 one/*");
    for (const name of ["large", "small", "empty"]) {
      const entry = await server.copy(one(name), two(name), bench.as);
      expect(readFileSync(at(`two/${name}`)).equals(readFileSync(at(`one/${name}`)))).toBe(true);
      const status = statSync(at(`two/${name}`), { bigint: true });
      expect(entry).toEqual({
        ...{ type: "file", size: Number(status.size), links: 1, ...bench.as },
        ...{ ctimeNs: status.ctimeNs, device: status.dev, inode: status.ino },
      });
      expect({
        mode: Number(status.mode) & 0o7777,
        mtimeNs: status.mtimeNs,
        uid: Number(status.uid),
      }).toEqual({
        ...{ mode: bench.as.mode, mtimeNs: bench.as.mtimeNs, uid: bench.uid },
      });
    }
  });

  test("copy() and makeDirectory() never give a set-id bit, and give the sticky one", async () => {
    bench.shell("echo x > one/file; chmod 6755 one/file; chmod 2777 two");
    const as = { ...bench.as, mode: 0o7755 };
    expect(await server.copy(one("file"), two("file"), as)).toMatchObject({ mode: 0o1755 });
    expect(await server.makeDirectory(two("folder"), as)).toMatchObject({ type: "directory", mode: 0o1755 });
    bench.shell("echo y > two/held; chmod 6755 two/held");
    expect(await server.setAttributes(two("held"), as, one("file"))).toMatchObject({ mode: 0o1755 });
  });

  test("copy() takes nothing that stands in the place, and leaves nothing when it fails", async () => {
    bench.shell("echo new > one/file; echo old > two/file; ln -s nowhere two/link; ln -s away one/link");
    for (const source of ["file", "link"])
      for (const target of ["file", "link"])
        expect(await outcome(server.copy(one(source), two(target), bench.as))).toBe("EEXIST");
    expect(bench.shell("cat two/file; readlink two/link; ls two")).toBe("old\nnowhere\nfile\nlink\n");
    const tooFar = { ...bench.as, uid: 4_294_967_294, gid: 4_294_967_294 };
    const user = bench.uid !== 0;
    for (const source of ["file", "link"]) {
      const got = await outcome(server.copy(one(source), two("fresh"), tooFar));
      if (user) expect([got, await server.stat(two("fresh"))]).toEqual(["EPERM", undefined]);
      else await server.remove(two("fresh"));
    }
    if (!user) expect(await outcome(server.copy(one("file"), two("none/fresh"), tooFar))).toBe("ENOENT");
  });

  test("copy() copies a symlink as what it says", async () => {
    bench.python('os.symlink(b"../\\xff\\n/x", b"one/link")');
    const entry = await server.copy(one("link"), two("link"), bench.as);
    expect(entry).toMatchObject({ type: "symlink", target: "../\xff\n/x", mtimeNs: bench.as.mtimeNs });
    expect(entry).toMatchObject({ uid: bench.as.uid, gid: bench.as.gid });
    expect(bench.python('print(os.readlink(b"two/link"))')).toBe("b'../\\xff\\n/x'\n");
  });

  test("copy() copies extended attributes, but overlayfs's own and capabilities", async () => {
    bench.python(`
open("one/file", "w")
os.setxattr("one/file", "user.kind", b"a\\0\\xff")
os.setxattr("one/file", "user.empty", b"")
os.setxattr("one/file", "user.overlay.opaque", b"y")
if ${bench.uid} == 0:
  os.setxattr("one/file", "trusted.overlay.origin", b"x")
  os.setxattr("one/file", "trusted.other", b"t")
  os.setxattr("one/file", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))`);
    const wanted = {
      ...{ "user.kind": "a\0\xff", "user.empty": "" },
      ...(bench.uid === 0 ? { "trusted.other": "t" } : {}),
    };
    expect({ ...(await server.stat(one("file")))?.xattrs }).toEqual(wanted);
    const copied = await server.copy(one("file"), two("file"), bench.as);
    expect({ ...copied.xattrs }).toEqual(wanted);
    const there = bench.python('print(" ".join(sorted(os.listxattr("two/file"))))').trim();
    expect(there).toBe(Object.keys(wanted).sort().join(" "));
  });

  test("copy() copies a list of rights, and takes one away that the folder gave", async () => {
    bench.python(`${acl}
open("one/with", "w"); open("one/without", "w")
os.setxattr("one/with", "system.posix_acl_access", acl(6))
os.setxattr("two", "system.posix_acl_default", acl(7))`);
    const as = { ...bench.as, mode: 0o760 };
    const copied = await server.copy(one("with"), two("with"), as);
    expect(copied).toMatchObject({ mode: 0o760, xattrs: (await server.stat(one("with")))?.xattrs });
    expect((await server.copy(one("without"), two("without"), as)).xattrs).toBeUndefined();
    expect(bench.python('open("two/plain", "w"); print(os.listxattr("two/plain"))')).toContain(
      "posix_acl_access",
    );
  });

  test("setAttributes() changes everything but the content", async () => {
    bench.python(`
open("one/from", "w").write("from"); open("two/to", "w").write("to")
os.setxattr("one/from", "user.new", b"1"); os.setxattr("two/to", "user.old", b"2")`);
    const entry = await server.setAttributes(two("to"), bench.as, one("from"));
    expect(entry).toMatchObject({ ...bench.as, size: 2 });
    expect({ ...entry.xattrs }).toEqual({ "user.new": "1" });
    expect(bench.shell("cat two/to")).toBe("to");
    bench.shell("mkdir one/folder two/folder");
    expect(await server.setAttributes(two("folder"), bench.as, one("folder"))).toMatchObject(bench.as);
  });

  test("setAttributes() on a symlink does not reach what it points to", async () => {
    bench.shell(
      "echo x > outside/target; chmod 604 outside/target; ln -s ../outside/target two/link; ln -s a one/link",
    );
    const before = statSync(at("outside/target"), { bigint: true });
    expect(await server.setAttributes(two("link"), bench.as, one("link"))).toMatchObject({ type: "symlink" });
    expect(statSync(at("outside/target"), { bigint: true })).toEqual(before);
  });

  test("copy() of a file that is being written is refused, and leaves nothing", async () => {
    bench.shell("head -c 30000000 /dev/zero | tr '\\0' x > one/large");
    const writing = [...starter.prefix, "bash", "-c", "while :; do echo y >> one/large; done"];
    const [program = "", ...words] = writing;
    const writer = spawn(program, words, { cwd: bench.path, stdio: "ignore" });
    try {
      while (statSync(at("one/large")).size === 30_000_000) await new Promise((wake) => setTimeout(wake, 5));
      expect(await outcome(server.copy(one("large"), two("large"), bench.as))).toBe("ESTALE");
      expect(await server.stat(two("large"))).toBeUndefined();
    } finally {
      const ended = once(writer, "exit");
      writer.kill("SIGKILL");
      await ended;
    }
    expect(await server.copy(one("large"), two("large"), bench.as)).toMatchObject({ type: "file" });
  });

  test("several names of one file stay one file", async () => {
    bench.shell("echo x > one/a; ln one/a one/b");
    const entries = await server.scan(one(""));
    expect(new Set(entries.map(({ inode }) => inode)).size).toBe(1);
    await server.copy(one("a"), two("a"), bench.as);
    await server.link(two("a"), two("b"));
    expect((await server.scan(two(""))).map(({ links, path: name }) => [name, links])).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
  });

  const shut = "mkdir one/shut; echo x > one/shut/file; echo x > one/secret; chmod 0 one/secret one/shut; ";
  const fixed = "echo x > one/file; mkdir two/fixed; chmod 500 two/fixed";
  const attempts = (who: FileServer) => [
    () => who.read(one("secret"), 0, 1),
    () => who.stat(one("shut/file")),
    () => who.scan(one("")),
    () => who.copy(one("secret"), two("a"), bench.as),
    () => who.copy(one("file"), two("fixed/a"), bench.as),
    () => who.makeDirectory(two("fixed/b"), bench.as),
  ];

  test("what the owner has shut against himself is worked on as if it were open, and stays shut", async () => {
    bench.shell(shut + fixed);
    for (const attempt of attempts(server)) expect(await outcome(attempt())).not.toBe("EACCES");
    await server.rename(one("shut/file"), two("fixed/file"));
    await server.sync(1);
    expect(bench.shell("stat -c '%a %n' one/s* two/fixed")).toBe("0 one/secret\n0 one/shut\n500 two/fixed\n");
  });

  test.skipIf(starter.prefix.length === 0)(
    "what the user may not do is refused, and root may (control)",
    async () => {
      runToEnd(["bash", "-euc", shut + fixed], { cwd: bench.path });
      for (const attempt of attempts(server)) expect(await outcome(attempt())).toBe("EACCES");
      await using root = new FileBench({ name: "root", prefix: [] }, cellfiles);
      const asRoot = await root.serve([at("one"), at("two")]);
      for (const attempt of attempts(asRoot)) expect(await outcome(attempt())).not.toBe("EACCES");
    },
  );
});
