import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FileServer } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { compileFixture } from "../helpers/compile-fixture.ts";
import { buildCellfiles, FileBench, outcome, starters } from "../helpers/file-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const one = (name: string) => ({ root: 0, path: name });

describe.each(starters)("cellfiles stays below its roots, started by $name", (starter) => {
  let bench: FileBench;
  let server: FileServer;
  beforeEach(async () => {
    bench = new FileBench(starter, cellfiles);
    bench.shell(
      "echo secret > outside/secret; mkdir outside/folder; echo own > one/own; mkdir one/real; echo x > one/real/x",
    );
    server = await bench.serve();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const at = (name: string) => path.join(bench.path, name);
  /** Whatever can be known of the outside: names, types, owners, bits, inodes, times, and the content of files. */
  const outside = () =>
    bench.shell("find outside -printf '%p %y %U %m %i %n %s %T@ %C@\\n' | sort; cat outside/secret");

  /** Every operation, with a path in each place where it takes one. */
  const attempts = (target: string): (() => Promise<unknown>)[] => [
    () => server.stat(one(target)),
    () => server.scan(one(target)),
    () => server.read(one(target), 0, 10),
    () => server.isSame(one("own"), one(target)),
    () => server.copy(one(target), one("copy"), bench.as),
    () => server.copy(one("own"), one(target), bench.as),
    () => server.makeDirectory(one(target), bench.as),
    () => server.link(one(target), one("copy")),
    () => server.link(one("own"), one(target)),
    () => server.setAttributes(one(target), bench.as, one("own")),
    () => server.setAttributes(one("own"), bench.as, one(target)),
    () => server.exchange(one(target), one("own")),
    () => server.exchange(one("own"), one(target)),
    () => server.rename(one(target), one("copy")),
    () => server.rename(one("own"), one(target)),
    () => server.remove(one(target)),
  ];

  /** Each leads to the file `secret` outside, for whoever follows it. */
  const ways: readonly (readonly [kind: string, make: string, way: string, errno: string])[] = [
    ["dots", "true", "../outside/secret", "EINVAL"],
    ["dots behind a folder", "true", "real/../../outside/secret", "EINVAL"],
    ["a link to a folder, relative", "ln -s ../outside one/link", "link/secret", "ELOOP"],
    ["a link to a folder, absolute", 'ln -s "$PWD/outside" one/link', "link/secret", "ELOOP"],
    ["a link in the middle", "ln -s ../../outside one/real/link", "real/link/secret", "ELOOP"],
    ["links of links", "ln -s ../outside one/last; ln -s last one/link", "link/secret", "ELOOP"],
    ["the kernel's own link", 'ln -s "/proc/self/root$PWD/outside" one/link', "link/secret", "ELOOP"],
    [
      "a link inside the root",
      "ln -s real one/link; ln -s ../../outside/secret one/real/x2",
      "link/x2",
      "ELOOP",
    ],
  ];

  test.each(ways)("%s: no operation goes this way", async (_kind, make, way, errno) => {
    bench.shell(make);
    expect(readFileSync(path.resolve(bench.path, `one/${way}`), "utf8"), "plain reading (control)").toBe(
      "secret\n",
    );
    const before = outside();
    for (const attempt of attempts(way)) expect(await outcome(attempt())).toBe(errno);
    expect(outside()).toBe(before);
    expect(bench.shell("cat one/own; ls one/copy 2>&1 || true")).toMatch(/^own\nls: cannot access/);
  });

  test("absolute paths, empty names and dots are no places", async () => {
    const words = [at("outside/secret"), "/", ".", "..", "./own", "real//x", "real/", "real/.", "own/.."];
    for (const word of words)
      for (const attempt of attempts(word)) expect(await outcome(attempt()), word).toBe("EINVAL");
    for (const word of ["...", "..own", ".own"]) expect(await server.stat(one(word))).toBeUndefined();
  });

  test("names that are no bytes, and roots that nobody opened, are refused before they are sent", async () => {
    expect(await outcome(server.stat(one("\u0100")))).toBe("EINVAL");
    expect(await outcome(server.stat(one("a\0b")))).toBe("EINVAL");
    expect(await outcome(server.stat(one("x".repeat(70_000))))).toBe("ENAMETOOLONG");
    expect(await outcome(server.stat(one("x".repeat(5_000))))).toBe("ENAMETOOLONG");
    expect(await outcome(server.stat({ root: 2, path: "own" }))).toBe("EBADF");
    expect(await server.stat(one("own"))).toMatchObject({ size: 4 });
  });

  test("a link in the last place is what stands there, and is never followed", async () => {
    bench.shell("ln -s ../outside/secret one/link; ln -s ../outside/folder one/way");
    const before = outside();
    expect(await server.stat(one("link"))).toMatchObject({ type: "symlink", target: "../outside/secret" });
    for (const name of ["link", "way"]) {
      expect(await outcome(server.read(one(name), 0, 10))).toBe("ELOOP");
      expect(await outcome(server.scan(one(name)))).toMatch(/^(ELOOP|ENOTDIR)$/);
      expect(await outcome(server.isSame(one("own"), one(name)))).toBe("ELOOP");
      expect(await outcome(server.copy(one("own"), one(name), bench.as))).toBe("EEXIST");
      expect(await outcome(server.makeDirectory(one(name), bench.as))).toBe("EEXIST");
      await server.setAttributes(one(name), { ...bench.as, mode: 0o777 }, one("own"));
      await server.exchange(one(name), one("real"));
      await server.exchange(one(name), one("real"));
      await server.remove(one(name));
    }
    expect(outside()).toBe(before);
    expect((await server.scan(one(""))).map((entry) => entry.path)).toEqual(["own", "real", "real/x"]);
  });

  test("a root that is reached through a link is not opened", async () => {
    bench.shell("ln -s one alias; ln -s . self; touch file");
    for (const root of ["alias", "self/one"]) expect(await outcome(bench.serve([root]))).toBe("ELOOP");
    expect(await outcome(bench.serve(["none"]))).toBe("ENOENT");
    expect(await outcome(bench.serve(["file"]))).toBe("ENOTDIR");
  });

  describe("while somebody swaps a folder and a link to the outside", () => {
    const adversaries: ChildProcess[] = [];
    const swap = (first: string, second: string) => {
      const [program = "", ...words] = [
        ...starter.prefix,
        compileFixture("swap-places"),
        at(first),
        at(second),
      ];
      adversaries.push(spawn(program, words, { stdio: "ignore" }));
    };
    afterEach(async () => {
      for (const adversary of adversaries.splice(0)) {
        const ended = once(adversary, "exit");
        adversary.kill("SIGKILL");
        await ended;
      }
    });
    const rounds = 3000;

    test("plain calls are fooled (control), and nothing of cellfiles's lands outside", async ({ skip }) => {
      bench.shell(
        "mkdir outside/trap one/folder one/kept; ln -s ../outside/trap one/link; echo 1 > one/kept/a",
      );
      swap("one/folder", "one/link");
      for (let index = 0; index < rounds; index++) {
        try {
          copyFileSync(at("one/own"), at(`one/folder/plain${index}`));
        } catch {}
      }
      const fooled = readdirSync(at("outside/trap")).length;
      skip(fooled === 0, "vacuous: the plain calls were not fooled either");
      bench.shell("rm -f outside/trap/*; echo out > outside/trap/x; echo in > outside/trap/y");
      const before = outside();
      const seen = new Map<unknown, number>();
      const note = async (call: Promise<unknown>) => {
        const result = await outcome(call);
        const what = typeof result === "string" ? result : "done";
        seen.set(what, (seen.get(what) ?? 0) + 1);
      };
      const calls: Promise<void>[] = [];
      for (let index = 0; index < rounds; index++) {
        const inside = one(`folder/copy${index}`);
        calls.push(
          note(server.copy(one("own"), inside, bench.as)),
          note(server.exchange(one("kept/a"), inside)),
          note(server.exchange(one("kept/a"), one("folder/x"))),
          note(server.rename(inside, one(`folder/moved${index}`))),
          note(server.setAttributes(one("folder/y"), bench.as, one("own"))),
          note(server.makeDirectory(one(`folder/made${index}`), bench.as)),
          note(server.link(one("own"), one(`folder/link${index}`))),
          note(server.remove(one("folder/x"))),
          note(
            server
              .scan(one("folder"))
              .then((entries) => expect(entries.map((entry) => entry.path)).not.toContain("folder/y")),
          ),
        );
        if (calls.length > 900) await Promise.all(calls.splice(0));
      }
      await Promise.all(calls);
      expect(outside()).toBe(before);
      // Both sides of the swap were met, or it would have proven nothing.
      expect(seen.get("done") ?? 0).toBeGreaterThan(0);
      expect(seen.get("ELOOP") ?? 0).toBeGreaterThan(0);
    });

    test("a folder that goes out from under the root while it is looked up is gone, and on no other file system", async () => {
      bench.shell("mkdir -p one/moved/in/in/in outside/moved/in/in/in; echo own > one/moved/in/in/in/x");
      swap("one/moved", "outside/moved");
      const seen = new Map<unknown, number>();
      for (let index = 0; index < 40; index++) {
        const calls = Array.from({ length: 1000 }, () => outcome(server.stat(one("moved/in/in/in/x"))));
        for (const result of await Promise.all(calls)) {
          const what = typeof result === "object" ? "there" : result;
          seen.set(what, (seen.get(what) ?? 0) + 1);
        }
      }
      for (const what of seen.keys()) expect(["there", undefined, "ESTALE"]).toContain(what);
    });

    test("a file that becomes a FIFO, a device or a link is read as a file or not at all", async () => {
      bench.python(`
os.mkfifo("one/fifo"); os.symlink("../outside/secret", "one/link"); os.mknod("one/device", 0o020600, os.makedev(0, 0))
for n in "abc": open("one/" + n, "w").write("own")`);
      for (const [file, other] of [
        ["a", "fifo"],
        ["b", "link"],
        ["c", "device"],
      ])
        swap(`one/${file}`, `one/${other}`);
      const seen = new Set<unknown>();
      for (let index = 0; index < 300; index++) {
        const calls = ["a", "b", "c"].flatMap((name) => [
          server.read(one(name), 0, 10).then((bytes) => Buffer.from(bytes).toString()),
          server.copy(one(name), one(`copy-${name}${index}`), bench.as).then(({ type }) => type),
        ]);
        for (const result of await Promise.all(calls.map(outcome))) seen.add(result);
      }
      expect([...seen].sort()).toEqual(["ELOOP", "EOPNOTSUPP", "file", "own", "symlink"]);
    });
  });

  test("a rename that fails leaves both names as they were (control: the plain one replaces)", async () => {
    bench.shell("echo a > one/a; echo b > one/b");
    expect(await outcome(server.rename(one("a"), one("b")))).toBe("EEXIST");
    expect(bench.shell("cat one/a one/b")).toBe("a\nb\n");
    renameSync(at("one/a"), at("one/b"));
    expect(bench.shell("cat one/b")).toBe("a\n");
  });
});
