import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, isSoak, makeDesk, someWays } from "../helpers/run-workcell.ts";

const MIB = 1024 * 1024;
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
/** Runs its words through a shell that arranges the streams first. */
const shell = (script: string) => ["bash", "-c", script, "bash"];

describe.each(someWays)("the streams of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("stdin reaches the command byte by byte, and its end too", async () => {
    const input = randomBytes(8 * MIB);
    const ended = await desk.run(["sha256sum"], { input });
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, `${digest(input)}  -\n`, ""]);
  });

  test("what the command leaves unread on stdin is left for who comes next", async () => {
    const through = shell('"$@" && exec cat');
    const ended = await desk.run(["dd", "bs=1", "count=3", "status=none"], { input: "onetwo", through });
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, "onetwo", ""]);
  });

  test.each([
    ["stdin", "<&-", [0]],
    ["stdout", ">&-", [1]],
    ["stderr", "2>&-", [2]],
    ["all three", "<&- >&- 2>&-", [0, 1, 2]],
  ])(
    "%s closed: the command runs, and no descriptor of Workcell's takes its place",
    async (_, how, closed) => {
      const listing = path.join(desk.folder("listing"), "fds");
      const list = `for f in 0 1 2 3 4 5 6 7 8 9; do readlink /proc/self/fd/$f || echo closed; done >${listing}`;
      const words = ["-m", `${path.dirname(listing)}:rw`, "bash", "-c", `exec 5>&1; ${list}`];
      const through = shell(`exec "$@" </dev/full >/dev/full 2>/dev/full ${how}`);
      expect((await desk.run(words, { through })).code).toBe(0);
      const found = readFileSync(listing, "utf8").trimEnd().split("\n");
      const at = (fd: number) => (closed.includes(fd) ? "/dev/null" : "/dev/full");
      // The loop's own stdout is the listing; what it was before stands at 5.
      expect(found).toEqual([at(0), listing, at(2), "closed", "closed", at(1), ...Array(4).fill("closed")]);
    },
  );

  test("64 MiB of noise come through on each of stdout and stderr at once, and nothing else does", async () => {
    const noise = randomBytes(64 * MIB);
    desk.file("work/noise", noise);
    const script = "cat noise & tac -b noise >&2; wait";
    const [out, err] = [path.join(desk.home, "out"), path.join(desk.home, "err")];
    const told = await desk.run(["-m", `${desk.work}:ro`, "sh", "-c", script], {
      ...{ cwd: desk.work, through: shell(`"$@" >${out} 2>${err}`) },
    });
    const control = await desk.outside(["sh", "-c", "tac -b noise | sha256sum"], { cwd: desk.work });
    expect(told.code).toBe(0);
    expect(digest(readFileSync(out))).toBe(digest(noise));
    expect(`${digest(readFileSync(err))}  -\n`).toBe(control.stdout);
  });

  test("a slow reader gets every byte, and holds the command up instead of filling memory", async () => {
    const size = isSoak ? 1024 * MIB : 128 * MIB;
    const { child, ended } = desk.start(["run", "head", "-c", `${size}`, "/dev/zero"], { within: 600_000 });
    const { stdout } = child;
    if (stdout === null) throw new TypeError("no stdout");
    stdout.removeAllListeners("data");
    let seen = 0;
    stdout.on("data", (chunk: Buffer) => {
      seen += chunk.length;
      if (seen % (16 * MIB) >= chunk.length) return;
      stdout.pause();
      setTimeout(() => stdout.resume(), 50);
    });
    expect((await ended).code).toBe(0);
    expect(seen).toBe(size);
  });

  test.each([
    ["a program that dies of SIGPIPE", ["yes"]],
    ["a shell that goes on", ["sh", "-c", "yes 2>&1; echo $? >&2; exit 9"]],
    ["python, which ignores SIGPIPE", ["/usr/bin/python3", "-c", "while True: print('y' * 1000)"]],
  ])("stdout closed early: %s ends as it does outside", async (_, command) => {
    const script = 'set -o pipefail; "$@" 2>/dev/null | head -c 10';
    const inside = await desk.run(command, { through: shell(script) });
    const outside = await desk.outside([...shell(script), ...command]);
    expect([inside.code, inside.stdout]).toEqual([outside.code, outside.stdout]);
    expect(inside.code).not.toBe(0);
  });

  test("one pipe for both streams keeps their order", async () => {
    const script = "i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done";
    const ended = await desk.run(["sh", "-c", script], { through: shell('exec "$@" 2>&1') });
    const expected = Array.from({ length: 500 }, (_, i) => `o${i}\ne${i}\n`).join("");
    expect([ended.code, ended.stdout]).toEqual([0, expected]);
  });

  test("a file as stdout is appended to where it was opened so", async () => {
    const file = desk.file("home/log", "before\n");
    await desk.run(["sh", "-c", "echo during"], { through: shell(`"$@" >>${file}; echo after >>${file}`) });
    expect(readFileSync(file, "utf8")).toBe("before\nduring\nafter\n");
  });

  test("what the command leaves running holds no stream open and does not outlive it", async () => {
    const started = performance.now();
    const ended = await desk.run(["sh", "-c", "sleep 50 & (setsid sleep 51 &); exit 3"]);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([3, "", ""]);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test("a terminal stays a terminal for the command", async () => {
    const inside = [desk.program, "run", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && stty size"];
    const line = inside.map((word) => `'${word}'`).join(" ");
    const ended = await desk.outside(["script", "-qec", `stty rows 33 cols 77; exec ${line}`, "/dev/null"]);
    expect([ended.code, ended.stdout]).toEqual([0, "33 77\r\n"]);
    // The control: without a terminal there is none.
    expect((await desk.run(["test", "-t", "1"])).code).toBe(1);
  });

  test("descriptors that Workcell was started with do not reach the command", async () => {
    const list = ["ls", "/proc/self/fd"];
    const ended = await desk.run(list, {
      through: shell(`exec "$@" 7</etc/passwd 10</etc/passwd 77</etc/passwd`),
    });
    expect(ended.stdout).toBe("0\n1\n2\n3\n");
  });
});
