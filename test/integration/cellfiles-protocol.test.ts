import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeRequest, type Operation } from "../../src/changes/file-wire.ts";
import { openFileServer } from "../../src/changes/index.ts";
import { makePlace, type Place, runToEnd } from "../helpers/cellhost.ts";
import { buildCellfiles, FileBench, outcome, sanitizedCellfiles, starters } from "../helpers/file-bench.ts";

let place: Place;
let cellfiles = "";
let sanitized = "";
let root = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
  sanitized = sanitizedCellfiles(place.path);
  root = path.join(place.path, "root");
  mkdirSync(path.join(root, "d"), { recursive: true });
  writeFileSync(path.join(root, "f"), "content");
});
afterAll(() => place[Symbol.dispose]());

interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

function feed(program: string, input: Uint8Array): Ended {
  const { status, signal, stdout, stderr } = spawnSync(program, ["user", root], {
    input,
    timeout: 20_000,
    maxBuffer: 1 << 26,
  });
  return { status, signal, stdout, stderr: `${stderr}` };
}

const place1 = { place: { root: 0, path: "f" } };
const stat = encodeRequest("stat", [place1]);
/** The frame of an answer, by its kind and how many bytes it has. */
const ready = Buffer.from([1, 0, 0, 0, "d".charCodeAt(0)]);

/** A frame as it should not be: any bytes behind a true length. */
function frame(...bytes: readonly number[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return Buffer.concat([head, Buffer.from(bytes)]);
}

const s = "s".charCodeAt(0);
const malformed: readonly (readonly [string, Buffer, string])[] = [
  ["nothing but a length", Buffer.from([5, 0, 0, 0]), "cut off"],
  ["half a length", Buffer.from([5, 0]), "cut off"],
  ["a request without its last byte", stat.subarray(0, -1), "cut off"],
  ["a length that nobody has", Buffer.from([255, 255, 255, 255, s]), "too long"],
  ["an empty frame", frame(), "too short"],
  ["an operation that does not exist", frame(0, 0), "unknown operation"],
  ["a root that was not opened", frame(s, 1, 0, 0, 0, 0), "no such root"],
  ["a flag that is neither", frame(s, 0, 2, 0, 0, 0), "neither held nor not"],
  ["a path longer than its frame", frame(s, 0, 0, 200, 0, 65, 0), "too short"],
  ["a path without its end", frame(s, 0, 0, 1, 0, 65, 65), "a text with or without its NUL"],
  ["a path with a NUL in it", frame(s, 0, 0, 2, 0, 65, 0, 0), "a text with or without its NUL"],
  ["more than the operation takes", frame(s, 0, 0, 0, 0, 0, 0), "too many fields"],
  [
    "a time that is none",
    frame("d".charCodeAt(0), 0, 0, 1, 0, 65, 0, ...Array(20).fill(0), 255, 255, 255, 255),
    "not a time",
  ],
];

describe("cellfiles, by what it is sent", () => {
  test.each(malformed)("%s ends it with one line", (_what, input, why) => {
    for (const program of [cellfiles, sanitized]) {
      const done = feed(program, input);
      expect(done.stderr).toBe(`cellfiles: read request "${why}": Protocol error (errno EPROTO)\n`);
      expect(done).toMatchObject({ status: 125, signal: null });
    }
  });

  test("what came whole before is answered (control)", () => {
    const whole = feed(cellfiles, Buffer.concat([stat, stat]));
    expect(whole).toMatchObject({ status: 0, stderr: "" });
    expect(whole.stdout.subarray(0, ready.length).equals(ready)).toBe(true);
    expect(whole.stdout.length).toBeGreaterThan(100);
    for (const bad of [frame(), frame(0), frame(s, 0)]) {
      const done = feed(cellfiles, Buffer.concat([stat, stat, bad]));
      expect(done.status).toBe(125);
      expect(done.stdout.equals(whole.stdout)).toBe(true);
    }
  });

  test.each([
    [[], 'missing argument "trusted, user or own"'],
    [["user"], 'missing argument "ROOT_DIR"'],
    [["other", "/"], 'not trusted, user or own, argument "other"'],
    [["user", "relative"], 'not an absolute path, argument "relative"'],
  ])("the words %j are refused", (words, why) => {
    const done = runToEnd([cellfiles, ...words]);
    expect(done).toMatchObject({
      status: 125,
      stderr: `cellfiles: ${why}: Invalid argument (errno EINVAL)\n`,
    });
  });

  const operations: readonly Operation[] = [
    ...(["stat", "list", "read", "compare", "copy", "folder"] as const),
    ...(["link", "attributes", "exchange", "rename", "remove", "whiteout", "sync"] as const),
    ...(["copies", "replace", "clear", "look"] as const),
  ];
  const paths = [
    "",
    "f",
    "d",
    "d/x",
    "g",
    "..",
    "/",
    "x/y",
    "\xff",
    "n\nl",
    "d".repeat(300),
    "d/".repeat(3000),
  ];
  const field = fc.oneof(
    fc.record({
      place: fc.record({ root: fc.constantFrom(0, 0, 0, 0, 0, 1), path: fc.constantFrom(...paths) }),
    }),
    fc.constant({ as: { mode: 0o7777, uid: 0, gid: 0, mtimeNs: -1n } }),
    fc.record({ u64: fc.nat() }),
    fc.record({ text: fc.constantFrom("f", "x", "..", "d/x", "") }),
    fc.record({ u32: fc.nat({ max: 2_000_000 }) }),
  );
  const two = fc.constantFrom("f", "d", "d/x", "g").map((name) => ({ place: { root: 0, path: name } }));
  const as = fc.constant({ as: { mode: 0o7755, uid: process.getuid?.() ?? 0, gid: 0, mtimeNs: 5n } });
  const request = fc.oneof(
    { arbitrary: fc.tuple(fc.constantFrom("stat", "list", "remove"), fc.tuple(two)), weight: 4 },
    {
      arbitrary: fc.tuple(fc.constantFrom("compare", "link", "exchange", "rename"), fc.tuple(two, two)),
      weight: 4,
    },
    { arbitrary: fc.tuple(fc.constant("copy"), fc.tuple(two, two, as)), weight: 4 },
    { arbitrary: fc.tuple(fc.constant("folder"), fc.tuple(two, as)), weight: 2 },
    { arbitrary: fc.tuple(fc.constant("attributes"), fc.tuple(two, as, two)), weight: 2 },
    { arbitrary: fc.tuple(fc.constantFrom(...operations), fc.array(field, { maxLength: 3 })), weight: 1 },
  );
  const name = fc.constantFrom("f", "x", "g", "\xff").map((text) => ({ text }));
  const held = two.map((field) => ({ place: { ...field.place, is: { device: 1n, inode: 2n } } }));
  const known = fc.constant({ known: { toCtime: false, size: 7, mtimeNs: 5n, ctimeNs: 5n } });
  const many = fc.oneof(
    fc.tuple(fc.constantFrom("clear" as const, "look" as const), fc.tuple(two, name, name)),
    fc.tuple(fc.constant("copies" as const), fc.tuple(two, two, name, name, as, name, name, as)),
    fc.tuple(fc.constant("replace" as const), fc.tuple(held, held, two, known)),
  );
  const whole = fc
    .oneof({ arbitrary: request, weight: 5 }, { arbitrary: many, weight: 1 })
    .map(([operation, fields]) => encodeRequest(operation as Operation, fields));
  const damaged = fc
    .tuple(whole, fc.nat(), fc.nat({ max: 255 }))
    .map(([bytes, where, value]) =>
      Buffer.from(bytes.map((byte, at) => (at === where % bytes.length ? value : byte))),
    );
  const piece = fc.oneof(
    { arbitrary: whole, weight: 8 },
    { arbitrary: damaged, weight: 1 },
    { arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => frame(...bytes)), weight: 1 },
  );

  test("under the sanitizers, any requests are answered or end it with one line", () => {
    let answered = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const done = feed(sanitized, Buffer.concat(pieces));
        expect(done.signal).toBeNull();
        expect(done.stderr).toMatch(/^(cellfiles: [^"\n]+ "[^"\n]*": [^\n]+ \(errno EPROTO\)\n)?$/);
        expect(done.status).toBe(done.stderr === "" ? 0 : 125);
        if (done.status === 0) answered++;
      }),
      { numRuns: 150, interruptAfterTimeLimit: 20_000 },
    );
    expect(answered).toBeGreaterThan(10);
  });

  test("under the sanitizers, a file is replaced and kept", () => {
    const files = ["before", "beside"].map((name) => path.join(root, name));
    for (const file of files) writeFileSync(file, path.basename(file));
    const [old, made] = files.map((file) => {
      const { dev: device, ino: inode, ctimeNs, mtimeNs, size } = statSync(file, { bigint: true });
      return { device, inode, ctimeNs, mtimeNs, size: Number(size), toCtime: true };
    });
    if (old === undefined || made === undefined) throw new Error("there are two");
    const asked = encodeRequest("replace", [
      { place: { root: 0, path: "before", is: old } },
      { place: { root: 0, path: "beside", is: made } },
      { place: { root: 0, path: "kept" } },
      { known: old },
    ]);
    expect(feed(sanitized, asked)).toMatchObject({ status: 0, stderr: "" });
    expect(["before", "kept"].map((name) => readFileSync(path.join(root, name), "utf8"))).toEqual([
      "beside",
      "before",
    ]);
    expect(existsSync(path.join(root, "beside"))).toBe(false);
  });
});

describe.each(starters)("cellfiles's life, started by $name", (starter) => {
  test("when it is killed, what is outstanding and what comes later is rejected", async () => {
    await using bench = new FileBench(starter, cellfiles);
    const server = await bench.serve();
    bench.shell("head -c 60000000 /dev/zero > one/large");
    const copies = [1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
      outcome(server.copy({ root: 0, path: "large" }, { root: 1, path: `${number}` }, bench.as)),
    );
    process.kill(bench.pid, "SIGKILL");
    const results = await Promise.all(copies);
    expect(results.at(-1)).toBe("EPIPE");
    expect(results.filter((result) => result !== "EPIPE").every((result) => typeof result === "object")).toBe(
      true,
    );
    expect(await outcome(server.stat({ root: 0, path: "large" }))).toBe("EPIPE");
    await expect(server.stat({ root: 0, path: "" })).rejects.toMatchObject({
      code: "WC_FILES",
      message: expect.stringContaining("cellfiles is gone, it was ended by SIGKILL"),
    });
    await server.close();
  });

  test("a key of the terminal does not end it in the middle of a step", async () => {
    await using bench = new FileBench(starter, cellfiles);
    const server = await bench.serve();
    for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT"] as const) process.kill(bench.pid, signal);
    expect(await server.stat({ root: 0, path: "" })).toMatchObject({ type: "directory" });
  });

  test("close() waits until everything that was asked for is done", async () => {
    await using bench = new FileBench(starter, cellfiles);
    bench.shell("echo x > one/f");
    const server = await bench.serve();
    const made = Array.from({ length: 50 }, (_, index) =>
      server.copy({ root: 0, path: "f" }, { root: 1, path: `${index}` }, bench.as),
    );
    await server.close();
    expect(bench.shell("ls two | wc -l").trim()).toBe("50");
    expect(await Promise.all(made)).toHaveLength(50);
    expect(await outcome(server.stat({ root: 0, path: "f" }))).toBe("EPIPE");
  });
});

describe("cellfiles and whoever started it", () => {
  test("it dies with its parent, and carries out nothing more", async () => {
    await using bench = new FileBench({ name: "self", prefix: [] }, cellfiles);
    // The input stays open elsewhere: it is the parent's death that ends it, not the end of the input.
    const script = `mkfifo in; sleep 30 > in & echo $!; exec 3< in; "$0" user "$PWD/one" <&3 > out & echo $!
      until [ -s out ]; do sleep 0.01; done; kill -9 $$`;
    const child = spawn("bash", ["-c", script, cellfiles], {
      cwd: bench.path,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(child, "exit");
    const [keeper = 0, server = 0] = said.trim().split("\n").map(Number);
    try {
      const isAlive = () => /^State:\s+[^ZX]/m.test(runToEnd(["cat", `/proc/${server}/status`]).stdout);
      for (let tries = 0; isAlive() && tries < 200; tries++)
        await new Promise((wake) => setTimeout(wake, 10));
      expect(isAlive()).toBe(false);
      expect(readFileSync(path.join(bench.path, "out"))).toEqual(ready);
    } finally {
      process.kill(keeper, "SIGKILL");
    }
  });

  test("a program that is not there, or is another, is told", async () => {
    await expect(openFileServer("/none/cellfiles", ["/tmp"])).rejects.toMatchObject({
      code: "WC_FILES",
      cause: { code: "ENOENT" },
    });
    await expect(openFileServer("/bin/false", ["/tmp"])).rejects.toMatchObject({
      code: "WC_FILES",
      message: expect.stringContaining("cellfiles is gone, it ended with 1"),
    });
  });
});
