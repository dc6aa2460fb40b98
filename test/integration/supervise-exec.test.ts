import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, openSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Ended, runToEnd } from "../helpers/cellhost.ts";
import { askAbout, callNumbers, defaultOptions } from "../helpers/cellinit.ts";
import * as helper from "../helpers/supervised.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const { sleep } = helper;
const build = path.resolve(import.meta.dirname, "../../scripts/build-native.mjs");

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
  const built = runToEnd([process.execPath, build, programs.place.path, "cellinit"], { timeout: 60_000 });
  expect(built).toMatchObject({ status: 0, stderr: "" });
});
afterAll(() => programs[Symbol.dispose]());

interface Live {
  readonly cell: helper.Supervised;
  readonly socket: string;
  exec(...command: readonly string[]): Ended;
  spawn(...command: readonly string[]): ChildProcess;
}

/** A cell of the direct tunnel, with the real cellinit, whose first command runs until it is ended. */
async function startCell(starter: helper.Starter, ...command: readonly string[]): Promise<Live> {
  const folder = tempFolder();
  chmodSync(folder, 0o777);
  writeFileSync(path.join(folder, "filter"), askAbout(callNumbers.mount));
  const socket = path.join(folder, "exec");
  const file = (name: string, mode: string) => {
    const descriptor = openSync(path.join(folder, name), mode);
    onTestFinished(() => closeSync(descriptor));
    return descriptor;
  };
  const cellinit = path.join(programs.place.path, "cellinit");
  const around = [
    ...["/usr/bin/bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"],
    ...[
      "--uid",
      "1000",
      "--gid",
      "1000",
      "--cap-drop",
      "ALL",
      "--ro-bind",
      "/",
      "/",
      "--proc",
      "/proc",
      "--dev",
      "/dev",
    ],
    ...["--tmpfs", "/tmp", "--ro-bind", cellinit, "/tmp/cellinit", "--chdir", "/tmp", "--"],
  ];
  const flags = ["--keep-fd", "5", "--keep-fd", "6", "--exec-socket", socket];
  const descriptors = [file("unused", "w"), file("filter", "r"), file("errors", "w")];
  const inside = { ...programs, inside: "/tmp/cellinit" };
  const words = ["init", ...defaultOptions, "--", ...command];
  const cell = helper.supervise(inside, { starter, around, flags, descriptors }, ...words);
  await cell.go();
  const client = [...starter.prefix, programs.cellhost, "exec", socket, "--"];
  const env = { PATH: "/usr/bin:/bin", GIVEN: "by the client" };
  return {
    cell,
    socket,
    exec: (...further) => runToEnd([...client, ...further], { env }),
    spawn: (...further) => {
      const [program = "", ...rest] = [...client, ...further];
      const child = spawn(program, rest, { env, stdio: ["pipe", "pipe", "inherit"] });
      onTestFinished(() => void child.kill("SIGKILL"));
      return child;
    },
  };
}

describe.each(helper.starters)("cellhost exec, started by $name", (starter) => {
  test("runs a further command in the cell, with its own streams, words and environment", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    const script = 'echo "$0:$1:$GIVEN:$(pwd)"; echo error >&2; tr a-z A-Z; ls /tmp/cellinit; exit 7';
    const child = live.spawn("/bin/bash", "-c", script, "zero", "a b\n");
    const out = text(child.stdout as NodeJS.ReadableStream);
    child.stdin?.end("through");
    expect(await once(child, "exit")).toEqual([7, null]);
    expect(await out).toBe("zero:a b\n:by the client:/tmp\nTHROUGH/tmp/cellinit\n");
    expect(live.exec("/bin/sh", "-c", "kill -TERM $$").status).toBe(128 + 15);
    const same = live.exec("/usr/bin/readlink", "/proc/self/ns/pid", "/proc/1/ns/pid");
    expect(new Set(same.stdout.trim().split("\n")).size).toBe(1);
    live.cell.send("k");
    await live.cell.ended;
  });

  test("is sealed like the first, and its refused calls are told", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    const status = live.exec("/bin/grep", "-E", "^(NoNewPrivs|Seccomp|CapEff)", "/proc/self/status").stdout;
    expect(status).toMatch(/CapEff:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2\n/);
    expect(live.exec("/bin/ls", "/proc/self/fd").stdout).toBe("0\n1\n2\n3\n");
    expect(live.exec("/bin/mount", "-t", "tmpfs", "x", "/tmp").status).not.toBe(0);
    live.cell.send("k");
    await live.cell.until("end");
    expect(live.cell.all("deny")).toMatchObject([{ nr: callNumbers.mount, comm: "mount" }]);
  });

  test("says in one line why a command cannot be started", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    const missing = live.exec("/nowhere/at/all");
    expect(missing).toMatchObject({ status: 127, stdout: "" });
    expect(missing.stderr).toMatch(/^cellhost: .* \(errno ENOENT\)\n$/);
    expect(live.exec("/etc/passwd").status).toBe(126);
    const long = live.exec("/bin/true", "x".repeat(100_000), "y".repeat(100_000));
    expect(long).toMatchObject({ status: 125, stderr: expect.stringContaining("E2BIG") });
    live.cell.send("k");
    await live.cell.ended;
  });

  test("passes signals on, and takes its command along when it is killed", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    const trap = "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done";
    const child = live.spawn("/bin/bash", "-c", trap);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([9, null]);

    const mark = `mark-${Math.random().toString(36).slice(2)}`;
    const other = live.spawn("/bin/bash", "-c", "echo up; while :; do sleep 0.05; done", mark);
    await once(other.stdout as NodeJS.ReadableStream, "data");
    const inside = () =>
      live.exec("/bin/bash", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'").stdout;
    expect(inside()).toContain(mark);
    // As root this is cellhost itself; setpriv has become it otherwise.
    other.kill("SIGKILL");
    for (let left = 50; left > 0 && inside().includes(mark); left--) await sleep(20);
    expect(inside()).not.toContain(mark);
    live.cell.send("k");
    await live.cell.ended;
  });

  test("ends with the cell", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    const child = live.spawn("/bin/bash", "-c", "echo up; exec sleep 60");
    await once(child.stdout as NodeJS.ReadableStream, "data");
    live.cell.send("k");
    expect(await once(child, "exit")).toEqual([137, null]);
    await live.cell.ended;
    expect(live.exec("/bin/true")).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("serves many one after the other and at once, and leaves nothing open", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    const open = () => runToEnd(["ls", `/proc/${live.cell.child.pid}/fd`]).stdout.split("\n").length;
    const before = open();
    for (let round = 0; round < 20; round++)
      expect(live.exec("/bin/sh", "-c", `exit ${round}`).status).toBe(round);
    const children = Array.from({ length: 20 }, (_, i) =>
      live.spawn("/bin/sh", "-c", `sleep 0.2; exit ${i}`),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
    expect(codes).toEqual(children.map((_, i) => i));
    await sleep(100);
    expect(open()).toBe(before);
    live.cell.send("k");
    await live.cell.ended;
  });

  test("is for the cell's owner only, and hands over no folder", async () => {
    const live = await startCell(starter, "/bin/sleep", "60");
    expect(statSync(live.socket).mode & 0o777).toBe(0o600);
    const folder = runToEnd([
      "bash",
      "-c",
      'exec "$@" </',
      "bash",
      ...starter.prefix,
      programs.cellhost,
      "exec",
      live.socket,
      "--",
      "/bin/ls",
      "/proc/self/fd/0/",
    ]);
    expect(folder).toMatchObject({ status: 125, stdout: "", stderr: expect.stringContaining("EISDIR") });
    if (process.getuid?.() === 0) {
      chmodSync(live.socket, 0o666);
      const stranger = ["setpriv", "--reuid", "54322", "--regid", "54322", "--clear-groups"];
      const done = runToEnd([...stranger, programs.cellhost, "exec", live.socket, "--", "/bin/echo", "ran"]);
      expect(done.stdout).toBe("");
      expect(done.stderr).toMatch(/errno (EPIPE|ECONNRESET)/);
    }
    live.cell.send("k");
    await live.cell.ended;
  });
});
