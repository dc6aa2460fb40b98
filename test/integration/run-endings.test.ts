import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Outcome } from "../../src/model/index.ts";
import { type Desk, everyWay, isSoak, makeDesk } from "../helpers/run-workcell.ts";

const hint = "workcell: No folder is connected; add -m . to work on this one.\n";
const special = [0, 1, 2, 124, 125, 126, 127, 128, 129, 130, 137, 139, 143, 254, 255];
const codes = Array.from({ length: 256 }, (_, code) => code).filter(
  (code) => isSoak || code % 12 === 0 || special.includes(code),
);

/** Runs as many at once as the machine has processors. */
async function inPairs<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all([worker(), worker()]);
}

const ending = ({ status, exitCode, signal }: Outcome) => ({ status, exitCode, signal });

describe.each(everyWay)("workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("passes the command's own exit code on, and says nothing itself", async () => {
    const wrong: unknown[] = [];
    await inPairs(codes, async (code) => {
      const ended = await desk.run(["sh", "-c", `exit ${code}`]);
      if (ended.code !== code || ended.stdout + ended.stderr !== "") wrong.push({ code, ended });
    });
    expect(wrong).toEqual([]);
  });

  test("a command that is not there: 127, said by Workcell", async () => {
    const ended = await desk.run(["no-such-program"]);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([
      ...[127, "", 'workcell: "no-such-program" was not found in the cell\n'],
    ]);
    expect(await desk.outcomeOf(["/no/such/program"])).toMatchObject({
      ...{ status: "never-started", exitCode: 127, signal: null },
      reason: '"/no/such/program" was not found in the cell',
    });
  });

  test("a command that is no program: 126, said by Workcell", async () => {
    desk.file("work/plain", "#!/bin/sh\n", 0o644);
    const words = ["-m", `${desk.work}:ro`, path.join(desk.work, "plain")];
    const ended = await desk.run(words);
    const reason = `"${desk.work}/plain" is not executable in the cell`;
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([126, "", `workcell: ${reason}\n`]);
    expect(await desk.outcomeOf(words)).toMatchObject({ status: "never-started", exitCode: 126, reason });
  });

  test.each([
    ["a folder", "/usr"],
    ["a program for a loader that is not there", "bad-loader"],
    ["a file of no known format", "bad-format"],
  ])("%s: 126 or 127 and a reason, never silence", async (_, name) => {
    const bad = desk.folder("bad");
    desk.file("bad/bad-loader", "#!/no/such/interpreter\n", 0o755);
    desk.file("bad/bad-format", "\x7fELF\0\0\0\0", 0o755);
    const word = name.startsWith("/") ? name : path.join(bad, name);
    const ended = await desk.run(["-m", `${bad}:ro`, word]);
    expect([126, 127]).toContain(ended.code);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toContain(word);
  });

  test.each([
    ["exit 137", { status: "exited", exitCode: 137, signal: null }],
    ["kill -9 $$", { status: "signalled", exitCode: 137, signal: "SIGKILL" }],
    ["exit 139", { status: "exited", exitCode: 139, signal: null }],
    ["kill -SEGV $$", { status: "signalled", exitCode: 139, signal: "SIGSEGV" }],
    ["exit 134", { status: "exited", exitCode: 134, signal: null }],
    ["kill -ABRT $$", { status: "signalled", exitCode: 134, signal: "SIGABRT" }],
    ["kill -TERM $$", { status: "signalled", exitCode: 143, signal: "SIGTERM" }],
    ["kill -INT $$", { status: "signalled", exitCode: 130, signal: "SIGINT" }],
    ["kill -HUP $$", { status: "signalled", exitCode: 129, signal: "SIGHUP" }],
    ["exit 3", { status: "exited", exitCode: 3, signal: null }],
  ])("the outcome of %s", async (script, outcome) => {
    const file = path.join(desk.home, "ending.json");
    rmSync(file, { force: true });
    const ended = await desk.run(["--outcome", file, "sh", "-c", script]);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([outcome.exitCode, "", ""]);
    expect(ending(JSON.parse(readFileSync(file, "utf8")))).toEqual(outcome);
  });

  test("the outcome says what is promised of it, and is kept among the records", async () => {
    const outcome = await desk.outcomeOf(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
    expect(outcome).toEqual({
      ...{ schema: "workcell.outcome/1", status: "exited", exitCode: 0, signal: null },
      ...{ durationMs: expect.any(Number), denials: [], weaker: expect.any(Array) },
      resources: { cpuMs: expect.any(Number), maxRssBytes: expect.any(Number) },
      ...{ session: expect.stringMatching(/^[a-z]+-[a-z]+-[a-z]+$/), cell: expect.any(String) },
    });
    expect(outcome.resources.cpuMs).toBeGreaterThan(20);
    expect(outcome.durationMs).toBeGreaterThan(outcome.resources.cpuMs ?? 0);
  });

  test("--outcome is written for a command that cannot be started too, and for none that Workcell refuses", async () => {
    expect((await desk.outcomeOf(["nope"])).status).toBe("never-started");
    await expect(desk.outcomeOf(["-m", "/no/such/folder:ro", "true"])).rejects.toThrow("ENOENT");
  });

  test("the hint at -m comes in a folder that has files, once, on stderr, and only without -m", async () => {
    desk.file("work/file", "");
    const inWork = { cwd: desk.work };
    expect((await desk.run(["true"], inWork)).stderr).toBe(hint);
    expect((await desk.run(["-m", ".:ro", "true"], inWork)).stderr).toBe("");
    expect((await desk.run(["true"], { cwd: desk.folder("empty") })).stderr).toBe("");
    expect((await desk.run(["true"], { cwd: desk.home })).stderr).toBe("");
  });

  test("a folder that may be entered and not listed is one to start in", async () => {
    const shut = desk.folder("shut");
    chmodSync(shut, 0o311);
    const inShut = { cwd: shut };
    const listed = (await desk.outside(["ls"], inShut)).code === 0;
    // Control: root lists every folder.
    expect(listed).toBe(person.uid === undefined && process.getuid?.() === 0);
    expect(await desk.run(["echo", "up"], inShut)).toMatchObject({ code: 0, stdout: "up\n", stderr: "" });
  });

  test("a HOME that is no place is the one that the machine knows, or a reason to say so", async () => {
    const known = (await desk.outside(["id", "-un"])).code === 0;
    const [state, config, cache] = ["s", "k", "c"].map((name) => desk.folder(name)) as [
      string,
      string,
      string,
    ];
    const env = { XDG_STATE_HOME: state, XDG_CONFIG_HOME: config, XDG_CACHE_HOME: cache };
    const unknown =
      'Cannot start: your home is "HOME" (environment HOME), and the machine knows none of this user';
    for (const HOME of ["", "relative"]) {
      const ended = await desk.run(["echo", "up"], { cwd: desk.home, env: { ...env, HOME } });
      if (known) expect(ended).toMatchObject({ code: 0, stdout: "up\n" });
      else
        expect(ended).toMatchObject({
          code: 125,
          stdout: "",
          stderr: expect.stringContaining(unknown.replace("HOME", HOME)),
        });
      expect((await desk.workcell(["--help"], { env: { HOME } })).code).toBe(0);
    }
    expect(existsSync(path.join(desk.home, "relative"))).toBe(false);
  });
});
