import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cellId, failureLine, runToEnd } from "../helpers/cellhost.ts";
import * as helper from "../helpers/supervised.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const { bare, supervise } = helper;
const isRoot = process.getuid?.() === 0;

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
});
afterAll(() => programs[Symbol.dispose]());

/** Runs a script of bash as the cell's command, and says what it printed. */
async function printed(options: helper.Options, script: string): Promise<string> {
  const cell = supervise(programs, options, "seal", "wait", "exec", "/bin/bash", "-c", script);
  expect(await cell.run()).toMatchObject({ status: 0 });
  return await cell.stdout;
}

describe.each(helper.starters)("the cell's program, started by $name", (starter) => {
  test("has the descriptors that were named and the control socket, and none else", async () => {
    const folder = tempFolder();
    writeFileSync(path.join(folder, "file"), "");
    const opened = [0, 1, 2].map(() => openSync(path.join(folder, "file"), "r"));
    onTestFinished(() => opened.forEach((descriptor) => void closeSync(descriptor)));
    const flags = ["--keep-fd", "6", "--keep-fd", "4"];
    const list =
      'for fd in {0..300}; do [ -e /proc/$$/fd/$fd ] && echo -n "$fd "; done; echo; cd /proc/$$/fd; readlink 6; [ -p 2 ] && echo pipe';
    const out = await printed({ starter, flags, descriptors: opened, around: bare }, list);
    expect(out).toMatch(/^0 1 2 4 6 7 \n.*\/file\npipe\n$/);
  });

  test("gets no folder of the host's as a descriptor, from which it could walk up", async () => {
    const folder = openSync(tempFolder(), "r");
    onTestFinished(() => closeSync(folder));
    const flags = ["--keep-fd", "4"];
    const cell = supervise(programs, { starter, flags, descriptors: [folder], around: bare }, "print", "ran");
    expect(await cell.ended).toEqual({ code: 125, signal: null });
    expect(await cell.stderr).toMatch(
      /^cellhost: hand on a folder as descriptor "4": .* \(errno EISDIR\)\n$/,
    );
    expect(await cell.stdout).toBe("");
  });

  test("knows nothing of Node's channel", async () => {
    const env = { NODE_CHANNEL_FD_OTHER: "kept", ZZ: "kept" };
    const out = await printed({ starter, env, around: bare }, "env -0 | tr '\\0\\n' '\\n ' | sort");
    const names = out
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]);
    expect(names).toEqual(["NODE_CHANNEL_FD_OTHER", "PATH", "PWD", "SHLVL", "ZZ", "_"]);
  });

  test("has every signal at its default and unblocked, in a session of its own", async () => {
    const show = "grep -E '^Sig(Blk|Ign)' /proc/self/status; set -- $(</proc/$$/stat); echo $1 $5 $6 $7";
    const out = await printed({ starter, around: bare }, show);
    const [blocked, ignored, stat] = out.split("\n");
    expect([blocked, ignored]).toEqual(["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"]);
    const [pid, group, session, terminal] = (stat ?? "").split(" ");
    expect([group, session, terminal]).toEqual([pid, pid, "0"]);
  });

  test("ends with cellhost, though that is killed", async () => {
    const word = `mark-${Math.random().toString(36).slice(2)}`;
    const steps = ["deaf", "seal", "wait", "sleep", "60000", "status", word];
    const cell = supervise(programs, { starter }, ...steps);
    await cell.go();
    cell.child.kill("SIGKILL");
    await cell.ended;
    for (let left = 50; left > 0 && helper.running(word).length > 0; left--) await helper.sleep(10);
    expect(helper.running(word)).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGUSR1"] as const)(
    "%s, sent to cellhost, changes nothing",
    async (signal) => {
      const cell = supervise(programs, { starter }, "seal", "wait", "status", "4");
      await cell.until("ready");
      cell.child.kill(signal);
      cell.send("g");
      expect(await cell.until("end")).toMatchObject({ status: 4 << 8 });
    },
  );

  test("joins the cgroups before it runs, and cellhost does not", async () => {
    const file = path.join(tempFolder(), "cgroup.procs");
    writeFileSync(file, "");
    chmodSync(file, 0o666);
    chmodSync(path.dirname(file), 0o755);
    const flags = ["--cgroup", file];
    expect(await printed({ starter, flags, around: bare }, `cat ${file}`)).toBe("0");
    expect(readFileSync(file, "utf8")).toBe("0");
  });

  test.each([
    [["--cgroup", "/nowhere/cgroup.procs"], /^cellhost: open cgroup "\/nowhere/],
    [["--keep-fd", "7"], /^cellhost: not free for the control socket/],
    [["--keep-fd", "93"], /^cellhost: keep descriptor "93"/],
    [["--parent", "1"], /^cellhost: parent is gone "1"/],
    [["--uid", "0"], /^cellhost: not a usable identity/],
    [["--nothing"], /^cellhost: unknown argument/],
  ])("%j: says so in one line, and starts nothing", async (flags, said) => {
    const cell = supervise(programs, { starter, flags, around: bare }, "print", "ran");
    expect(await cell.ended).toEqual({ code: 125, signal: null });
    expect(await cell.stderr).toMatch(said);
    expect(await cell.stderr).toMatch(failureLine);
    expect(await cell.stdout).toBe("");
    expect(cell.said).toEqual([]);
  });

  test.each([
    [{}, 'missing variable "NODE_CHANNEL_FD"'],
    [{ NODE_CHANNEL_FD: "x" }, 'not a descriptor, variable "x"'],
    [{ NODE_CHANNEL_FD: "2" }, 'not a descriptor, variable "2"'],
    [{ NODE_CHANNEL_FD: "93" }, 'use channel "93"'],
    [{ NODE_CHANNEL_FD: "3", NODE_CHANNEL_SERIALIZATION_MODE: "advanced" }, "not a mode (json)"],
  ])("without a channel of Node's it starts nothing: %j", (env, said) => {
    const words = helper.superviseWords(programs, { starter, around: bare }, ["print", "ran"]);
    const done = runToEnd(words, { env: { PATH: "/usr/bin:/bin", ...env } });
    expect(done).toMatchObject({ status: 125, stdout: "", stderr: expect.stringContaining(said) });
  });
});

describe.runIf(isRoot)("started by root", () => {
  const starter = { name: "root", prefix: [] };

  test("neither the program nor cellhost itself is root when the cell is ready", async () => {
    const cell = supervise(programs, { starter }, "seal", "wait", "status", "0");
    const ready = await cell.until("ready");
    for (const pid of [cell.child.pid, ready?.["pid"]]) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      expect(status).toMatch(new RegExp(`^Uid:(\t${cellId}){4}$`, "m"));
      expect(status).toMatch(new RegExp(`^Gid:(\t${cellId}){4}$`, "m"));
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    }
    const own = readFileSync(`/proc/${cell.child.pid}/status`, "utf8");
    expect(own).toMatch(/^CapEff:\t0+$/m);
    expect(own).toMatch(/^CapPrm:\t0+$/m);
    cell.send("g");
    await cell.ended;
  });

  test.each([
    ["--uid", ["--gid", "7", "--scratch", "/tmp"]],
    ["--gid", ["--uid", "7", "--scratch", "/tmp"]],
    ["--scratch", ["--uid", "7", "--gid", "7"]],
  ])("root without %s starts nothing", (missing, flags) => {
    const env = { NODE_CHANNEL_FD: "3" };
    const done = runToEnd([programs.cellhost, "supervise", ...flags, "--", "/bin/echo", "ran"], { env });
    expect(done).toMatchObject({ status: 125, stdout: "" });
    expect(done.stderr).toContain(`cellhost: missing argument "${missing}"`);
  });

  test("what a mount lacks is told as a line of the cell", async () => {
    const flags = ["--mount", "ro", "/nowhere/at/all", "m0"];
    const cell = supervise(programs, { starter, flags }, "seal", "wait");
    expect(await cell.until("end")).toMatchObject({ status: 123 << 8 });
    expect(cell.all("line")).toMatchObject([
      { text: expect.stringContaining('open source "/nowhere/at/all"') },
    ]);
  });

  const pids = "/sys/fs/cgroup/pids";
  const group = path.join(pids, `workcell-test-${process.pid}`);
  let hasPids = false;
  try {
    mkdirSync(group);
    hasPids = true;
  } catch {
    console.warn(`cellhost --cgroup: skipped, there is no ${pids} to write in`);
  }
  afterAll(() => hasPids && rmdirSync(group));

  test.runIf(hasPids)(
    "a cgroup of the kernel holds the whole cell, and is empty when end is said",
    async () => {
      const flags = ["--cgroup", path.join(group, "cgroup.procs")];
      const members = () =>
        readFileSync(path.join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
      const cell = supervise(programs, { starter, flags }, "seal", "wait", "orphan", "60000", "status", "0");
      const ready = await cell.until("ready");
      const inside = members();
      expect(inside).toEqual(expect.arrayContaining([`${ready?.["pid"]}`, `${ready?.["command"]}`]));
      expect(inside).not.toContain(`${cell.child.pid}`);
      cell.send("g");
      await cell.until("end");
      expect(members()).toEqual([]);
    },
  );
});

test.runIf(isRoot)("a user may not enter", async () => {
  const starter = {
    name: "a user",
    prefix: ["setpriv", "--reuid", `${cellId}`, "--regid", `${cellId}`, "--clear-groups"],
  };
  const cell = supervise(
    programs,
    { starter, flags: ["--mount", "ro", "/usr", "m0"], around: bare },
    "print",
    "ran",
  );
  expect(await cell.ended).toEqual({ code: 125, signal: null });
  expect(await cell.stderr).toContain("cellhost: enter as root, not as uid");
});
