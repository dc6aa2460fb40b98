import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FileServer } from "../../src/changes/index.ts";
import type { Entry } from "../../src/model/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { buildCellfiles, FileBench, outcome, starters } from "../helpers/file-bench.ts";

let place: Place;
let cellfiles = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
});
afterAll(() => place[Symbol.dispose]());

const at = (path: string) => ({ root: 0, path });
const kept = (path: string) => ({ root: 1, path });

async function entryOf(server: FileServer, path: string): Promise<Entry> {
  const entry = await server.stat(at(path));
  if (entry === undefined) throw new Error(`nothing stands at ${path}`);
  return entry;
}

/** Asks for a replacement of `one/old` by `one/new`, as both are now or as the test says they were. */
async function replaceAs(server: FileServer, said: Partial<Entry> = {}, toCtime = true) {
  const [old, made] = [await entryOf(server, "old"), await entryOf(server, "new")];
  const known = { ...old, ...said, toCtime };
  return outcome(
    server.replace(
      { ...at("old"), is: known },
      { beside: { ...at("new"), is: made }, kept: kept("k"), known },
    ),
  );
}

const seed = "echo old > one/old; echo new > one/new; ln one/old one/name";

describe.each(starters)("replace(), started by $name", (starter) => {
  async function prepared(script = seed) {
    const bench = new FileBench(starter, cellfiles);
    bench.shell(script);
    return { bench, server: await bench.serve() };
  }
  const left = (bench: FileBench) => bench.shell("grep -r . one two | sort").trim().split("\n");

  test("puts the new file in its place and keeps the old, and says what stands there", async () => {
    const { bench, server } = await prepared();
    await using _ = bench;
    const made = await entryOf(server, "new");
    const { isKept, now } = (await replaceAs(server)) as Awaited<ReturnType<FileServer["replace"]>>;
    expect(left(bench)).toEqual(["one/name:old", "one/old:new", "two/k:old"]);
    expect(isKept).toBe(true);
    expect(now).toEqual(await entryOf(server, "old"));
    expect(now?.inode).toBe(made.inode);
  });

  test("refuses what is not as it is known, and changes nothing; control: to its content alone it is as known", async () => {
    const { bench, server } = await prepared();
    await using _ = bench;
    const { inode, ctimeNs, mtimeNs } = await entryOf(server, "old");
    for (const said of [
      { inode: inode + 1n },
      { ctimeNs: ctimeNs - 1n },
      { mtimeNs: mtimeNs - 1n },
      { size: 5 },
    ])
      expect(await replaceAs(server, said)).toBe("ESTALE");
    expect(await replaceAs(server, { size: 5 }, false)).toBe("ESTALE");
    expect(left(bench)).toEqual(["one/name:old", "one/new:new", "one/old:old"]);
    expect(await replaceAs(server, { ctimeNs: ctimeNs - 1n }, false)).toMatchObject({ isKept: true });
  });

  test("refuses another file beside, nothing at either place, and a link on the way there", async () => {
    const { bench, server } = await prepared(`${seed}; mkdir one/d; echo in > one/d/f; ln -s d one/l`);
    await using _ = bench;
    const [old, made] = [await entryOf(server, "old"), await entryOf(server, "new")];
    const known = { ...old, toCtime: true };
    const ask = (to: string, from: string) =>
      outcome(
        server.replace({ ...at(to), is: old }, { beside: { ...at(from), is: made }, kept: kept("k"), known }),
      );
    expect(await ask("old", "d/f")).toBe("ESTALE");
    expect(await ask("old", "none")).toBe("ENOENT");
    expect(await ask("none", "new")).toBe("ENOENT");
    expect(await ask("l/f", "new")).toBe("ELOOP");
    expect(await ask("old", "l/f")).toBe("ELOOP");
    expect(left(bench)).toEqual(["one/d/f:in", "one/name:old", "one/new:new", "one/old:old"]);
  });

  test("leaves a folder that came out beside, and what has no room where it is kept", async () => {
    const { bench, server } = await prepared(`mkdir one/old; echo in > one/old/f; echo new > one/new`);
    await using _ = bench;
    expect(await replaceAs(server)).toEqual({ isKept: false });
    expect(left(bench)).toEqual(["one/new/f:in", "one/old:new"]);
    bench.shell("rm -r one/*; echo old > one/old; echo new > one/new; echo other > two/k");
    expect(await replaceAs(server)).toEqual({ isKept: false });
    expect(left(bench)).toEqual(["one/new:old", "one/old:new", "two/k:other"]);
  });
});

describe.each(starters)("copyFiles(), lookAt() and clear(), started by $name", (starter) => {
  test("copy files and symlinks to other names, in order; the first that fails ends it", async () => {
    await using bench = new FileBench(starter, cellfiles);
    bench.shell("mkdir one/d; echo a > one/d/a; ln -s gone one/d/l; mkdir one/d/sub; echo out > outside/f");
    bench.shell("ln -s ../../outside one/d/away; touch two/there");
    const server = await bench.serve();
    const file = (from: string, to: string) => ({ from, to, as: bench.as });
    const [from, to] = [at("d"), kept("")];
    const made = await server.copyFiles(from, to, [file("a", "one"), file("l", "two"), file("a", "three")]);
    expect(made.map(({ type, size, mode }) => ({ type, size, mode }))).toEqual([
      { type: "file", size: 2, mode: 0o640 },
      { type: "symlink", size: 0, mode: 0o777 },
      { type: "file", size: 2, mode: 0o640 },
    ]);
    expect(made[2]).toEqual(await server.stat(kept("three")));
    expect(
      await outcome(server.copyFiles(from, to, [file("a", "x"), file("a", "there"), file("a", "y")])),
    ).toBe("EEXIST");
    expect(await outcome(server.copyFiles(from, to, [file("sub", "y")]))).toBe("EISDIR");
    expect(await outcome(server.copyFiles(at("d/away"), to, [file("f", "y")]))).toBe("ENOTDIR");
    expect(await outcome(server.copyFiles(from, at("d/away"), [file("a", "y")]))).toBe("ENOTDIR");
    expect(bench.shell("ls two outside; cat two/one two/three; readlink two/two")).toBe(
      "outside:\nf\n\ntwo:\none\nthere\nthree\ntwo\nx\na\na\ngone\n",
    );
  });

  test("look at names of one folder, as each would be looked at by itself", async () => {
    await using bench = new FileBench(starter, cellfiles);
    bench.shell("mkdir -p one/d/sub; echo a > one/d/a; ln -s a one/d/l; touch one/f");
    const server = await bench.serve();
    const found = await server.lookAt(at("d"), ["a", "gone", "l", "sub"]);
    const each = await Promise.all(["a", "l", "sub"].map((name) => entryOf(server, `d/${name}`)));
    expect([...found]).toEqual([
      ["a", each[0]],
      ["l", each[1]],
      ["sub", each[2]],
    ]);
    expect(await outcome(server.lookAt(at("f"), ["a"]))).toBe("ENOTDIR");
    expect(await outcome(server.lookAt(at("none"), ["a"]))).toBe("ENOENT");
  });

  test("clear names of one folder, also such as are gone; a folder ends it", async () => {
    await using bench = new FileBench(starter, cellfiles);
    bench.shell("mkdir -p one/d/sub; touch one/d/{a,b,c}; ln -s sub one/d/l; touch one/d/sub/f");
    const server = await bench.serve();
    await server.clear(at("d"), ["a", "gone", "l"]);
    expect(await outcome(server.clear(at("d"), ["b", "sub", "c"]))).toBe("EISDIR");
    expect(bench.shell("cd one; find . | sort")).toBe(".\n./d\n./d/c\n./d/sub\n./d/sub/f\n");
    bench.shell("ln -s d one/l");
    expect(await outcome(server.clear(at("l"), ["c"]))).toBe("ENOTDIR");
    expect(await outcome(server.clear(at("none"), ["c"]))).toBe("ENOENT");
  });

  test("a way to another folder is no name: it ends the server before anything is done", async () => {
    for (const name of ["..", ".", "", "sub/f", "../outside/f"]) {
      await using bench = new FileBench(starter, cellfiles);
      bench.shell("mkdir one/sub; touch one/a one/sub/f outside/f");
      const ask = async (by: (server: FileServer) => Promise<unknown>) =>
        expect(await outcome(by(await bench.serve()))).toBe("EPROTO");
      await ask((server) => server.clear(at(""), ["a", name]));
      await ask((server) => server.lookAt(at(""), ["a", name]));
      await ask((server) => server.copyFiles(at(""), kept(""), [{ from: "a", to: name, as: bench.as }]));
      await ask((server) => server.copyFiles(at(""), kept(""), [{ from: name, to: "b", as: bench.as }]));
      expect(bench.shell("find one two outside -type f | sort")).toBe("one/a\none/sub/f\noutside/f\n");
    }
  });
});
