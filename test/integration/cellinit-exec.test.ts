import { rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, type CellTask, lacking, type Said, starters } from "../helpers/cellinit.ts";

const env = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"];
interface Over {
  readonly over?: number;
}
const sh = (script: string) => ["sh", "-c", script];

describe.skipIf(lacking("bwrap", "python3").length > 0)("a further command in a live cell", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  /** A first command that goes on until `over` further ones have ended: all of them, where nothing else is said. */
  const waiting = (then = "exit 0") => sh(`until [ -e /tmp/open/over ]; do sleep 0.02; done; ${then}`);
  const run = (exec: readonly object[], { over = exec.length, ...task }: Partial<CellTask> & Over = {}) => {
    const file = path.join(bench.open, "over");
    rmSync(file, { force: true });
    const host = { exec, over: [over, file], seconds: 25, ...task.host };
    return bench.run({ kind: "init", command: waiting(), ...task, host });
  };
  const ended = (messages: readonly Said[], id: number) => messages.filter((message) => message.id === id);

  test.each(starters)("started by %s: is sealed as the first one, and told when it ends", (starter) => {
    const look = `grep -E '^(Cap|NoNewPrivs|Seccomp_f|Sig[BI])' /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; exit 7`;
    const done = run([{ id: 9, words: sh(look), env }], { starter });
    expect(done).toMatchObject({ code: 0, stdout: "", launcher: "" });
    const zero = "0".repeat(16);
    const shown = Object.fromEntries(done.execs[0]?.split("\n").map((line) => line.split(":\t")) ?? []);
    for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "SigBlk", "SigIgn"])
      expect([name, shown[name]]).toEqual([name, zero]);
    expect(shown).toMatchObject({ NoNewPrivs: "1", Seccomp_filters: "2" });
    expect(done.execs[0]).toMatch(/\n0 1 2 3 $/);
    const [sealed, end, ...more] = ended(done.messages, 9);
    expect(sealed).toMatchObject({ say: "S", descriptors: 1 });
    expect(sealed?.landlock).toBe(done.messages[1]?.landlock);
    expect(end).toMatchObject({ say: "X", status: 7 << 8, length: 25 });
    expect(more).toEqual([]);
  });

  test("has its own words and environment, and the cell's folder", () => {
    const show = `import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), os.getppid()]))`;
    const words = ["", "a b", "-x", "\u00e9", "line\nline"];
    const done = run([
      { id: 1, words: ["python3", "-ISc", show, ...words], env: [...env, "EMPTY=", "A=b=c"] },
    ]);
    const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C.UTF-8", EMPTY: "", A: "b=c" };
    expect(JSON.parse(done.execs[0] ?? "")).toEqual([words, environment, "/tmp", 2]);
  });

  test("has what the cell was started with, where that is asked for, under what is given", () => {
    const show = `import json, os; print(json.dumps(dict(os.environ)))`;
    const words = ["python3", "-ISc", show];
    const given = ["HOME=/else", "NEW=", "PAT=x"];
    const done = run([{ id: 1, words, env: given, flags: 2 }], { environment: { KEPT: "as it was" } });
    expect(JSON.parse(done.execs[0] ?? "")).toMatchObject({
      ...{ HOME: "/else", NEW: "", PAT: "x", KEPT: "as it was", PATH: "/usr/local/bin:/usr/bin:/bin" },
    });
  });

  test("starts in the folder that it is given, and not at all where there is none", () => {
    const done = run([
      { id: 1, words: ["/etc", "pwd"], env, count: 1, flags: 4 },
      { id: 2, words: ["/no/such", "pwd"], env, count: 1, flags: 4 },
    ]);
    expect(done.execs).toEqual(["/etc\n", ""]);
    expect(ended(done.messages, 2)).toMatchObject([
      { say: "F", code: 125, step: 'change folder to "/no/such"' },
    ]);
  });

  test("many run side by side, each with its end", () => {
    const asked = Array.from({ length: 40 }, (_, index) => ({
      ...{ id: index + 1, env },
      words: sh(`sleep 0.2; echo ${index}; exit ${index}`),
    }));
    const done = run(asked);
    expect(done.execs).toEqual(asked.map((_, index) => `${index}\n`));
    for (const { id } of asked)
      expect(ended(done.messages, id).at(-1)).toMatchObject({ say: "X", status: (id - 1) << 8 });
  });

  test("the place of one that has ended serves another", () => {
    const asked = Array.from({ length: 150 }, (_, index) => ({
      id: index + 1,
      env,
      words: ["true"],
      after: 0.02,
    }));
    const done = run(asked);
    expect(done.messages.filter(({ say }) => say === "X")).toHaveLength(151);
  });

  test("above the bound they are refused, and the cell lives on", () => {
    const asked = Array.from({ length: 70 }, (_, index) => ({ id: index + 1, env, words: ["sleep", "50"] }));
    const done = run(asked, { over: 6, command: waiting("exit 5") });
    const refused = done.messages.filter(({ say }) => say === "F");
    expect(refused).toHaveLength(6);
    expect(refused[0]).toMatchObject({ code: 125, error: 11, step: `start "sleep"` });
    expect(done.code).toBe(5);
  });

  test("one that cannot be executed fails alone", () => {
    const done = run([
      { id: 1, words: ["no-such-program"], env },
      { id: 2, words: ["/etc/passwd"], env },
      { id: 3, words: ["true"], env },
    ]);
    expect(ended(done.messages, 1).slice(1)).toMatchObject([
      { say: "F", code: 127, step: `execute "no-such-program"` },
    ]);
    expect(ended(done.messages, 2).slice(1)).toMatchObject([{ say: "F", code: 126 }]);
    expect(ended(done.messages, 3).slice(1)).toMatchObject([{ say: "X", status: 0 }]);
    expect(done.code).toBe(0);
  });

  test("ends with the cell, and its end is told", () => {
    const words = sh(": > /tmp/open/over; exec sleep 50");
    const done = run([{ id: 5, words, env }], { command: waiting("exit 3") });
    expect(done).toMatchObject({ code: 3 });
    expect(done.messages.slice(-2)).toMatchObject([
      { say: "X", id: 5, status: 9 },
      { say: "X", id: 0, status: 3 << 8 },
    ]);
  });

  test("asks its own listener about what is refused", () => {
    const attempt = `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.mount(b"/tmp", b"/tmp", None, 4096, None)
print(ctypes.get_errno())`;
    const done = run([{ id: 1, words: ["python3", "-c", attempt], env }]);
    expect(done.execs).toEqual(["1\n"]);
    expect(done.refused).toHaveLength(1);
  });

  const hex = (bytes: string) => Buffer.from(bytes, "latin1").toString("hex");
  const header = `E\u0001\0\0\0\u0001\0\0\0${"\0".repeat(5)}`;
  test.each([
    ["no strings", { hex: hex(header) }, true],
    ["no last NUL", { hex: hex(`${header}true`) }, true],
    ["no words", { id: 1, words: ["true"], env, count: 0 }, true],
    ["more words than strings", { id: 1, words: ["true"], env: [], count: 2 }, true],
    ["too many strings", { id: 1, words: Array.from({ length: 4097 }, () => "x") }, true],
    ["a stream too few", { id: 1, words: ["true"], env, descriptors: 2 }, true],
    ["no stream", { id: 1, words: ["true"], env, descriptors: 0 }, true],
    ["a stream too many", { id: 1, words: ["true"], env, descriptors: 4 }, true],
    ["many streams too many", { id: 1, words: ["true"], env, descriptors: 12 }, true],
    ["half a header", { hex: hex("E\u0001\0\0\0") }, true],
    ["the first one's id", { id: 0, words: ["true"], env }, false],
    ["another message", { hex: hex(`g${header.slice(1)}true\0`) }, false],
    ["a second go", { hex: "67", descriptors: 0 }, false],
    ["nothing but a byte", { hex: "45" }, false],
  ])("with %s is refused, and leaves nothing open", (_what, asked, isTold) => {
    const look = { id: 2, words: sh("ls /proc/self/fd | wc -l"), env, after: 0.2 };
    const done = run([asked, look], { over: isTold ? 2 : 1 });
    expect(ended(done.messages, 1)).toMatchObject(isTold ? [{ say: "F", code: 125 }] : []);
    expect(done.execs[1]).toBe("4\n");
    // Its own 0 to 2, and the control socket.
    expect([4, null]).toContain(done.open);
    expect(done).toMatchObject({ code: 0 });
  });
});
