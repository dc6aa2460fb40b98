import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type Desk,
  makeDesk,
  people,
  processesOfCell,
  processesWith,
  startProgram,
  until,
} from "../helpers/run-workcell.ts";

const isRoot = process.getuid?.() === 0;
const makeMark = () => `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;

describe.each(people)("workcell session exec as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const folderOf = (name: string) => path.join(desk.state, "sessions", name);
  const exec = (name: string, ...words: readonly string[]) =>
    desk.workcell(["session", "exec", name, "--", ...words]);

  /** A session with a cell whose first command waits; `begin` is of bash, and runs first. */
  async function live(flags: readonly string[] = [], begin = ":") {
    const name = `live-${Math.random()
      .toString(36)
      .replaceAll(/[^a-z]/g, "")}-one`;
    const mark = makeMark();
    const script = `${begin}; echo up; read -r never; echo over`;
    const first = desk.start(["run", "--session", name, ...flags, "bash", "-c", script, mark]);
    onTestFinished(() => void first.child.kill("SIGKILL"));
    await first.said("up\n");
    const end = async () => {
      first.child.stdin?.end();
      return first.ended;
    };
    return { name, mark, first, end };
  }

  test("runs in the cell that runs, with its home, folder and variables, and its own code", async () => {
    const { name, end, first } = await live(
      ["-e", "GIVEN=by a person", "-m", desk.work],
      "readlink /proc/self/ns/pid; echo x >~/file",
    );
    const space = /pid:\[\d+\]/.exec(first.text())?.[0];
    const script =
      'readlink /proc/self/ns/pid; cat ~/file; pwd; echo "$GIVEN:$WORKCELL_SESSION:$ADDED:$HOME"; exit 7';
    const done = await desk.workcell(["session", "exec", "-e", "ADDED=now", name, "sh", "-c", script]);
    expect(done).toMatchObject({ code: 7, stderr: "" });
    expect(done.stdout).toBe(
      `${space}\nx\n${desk.work}\nby a person:${name}:now:/sessions/${name}\n`.replace(/^undefined/, "none"),
    );
    // The control: outside it is another namespace.
    expect((await desk.outside(["readlink", "/proc/self/ns/pid"])).stdout).not.toBe(`${space}\n`);
    const elsewhere = await desk.workcell(["session", "exec", "-w", "/etc", name, "pwd"]);
    expect(elsewhere.stdout).toBe("/etc\n");
    const nowhere = await desk.workcell(["session", "exec", "-w", "/no/such", name, "pwd"]);
    expect(nowhere).toMatchObject({ code: 125, stdout: "", stderr: expect.stringContaining('"/no/such"') });
    // What the person gave may be a secret, and is on no disk.
    expect((await desk.outside(["grep", "-rl", "by a person", desk.state])).stdout).toBe("");
    expect((await end()).stdout).toContain("over");
  });

  test("its streams are its own, byte by byte", async () => {
    const { name, end } = await live();
    const bytes = randomBytes(300_000);
    const done = await desk.workcell(["session", "exec", name, "sh", "-c", "cat; echo error >&2"], {
      input: bytes,
    });
    expect(Buffer.compare(done.bytes, bytes)).toBe(0);
    expect(done).toMatchObject({ code: 0, stderr: "error\n" });
    expect((await end()).stdout).toBe("up\nover\n");
  });

  test("is sealed as the first command is, and what is refused stands in that one's outcome", async () => {
    const look =
      "grep -E '^(Cap|NoNewPrivs|Seccomp|Sig(Blk|Ign)|Uid|Gid|Groups)' /proc/self/status; ulimit -n; ulimit -c";
    const outcome = path.join(desk.home, "sealed.json");
    const { name, end, first } = await live(["--outcome", outcome], look);
    const further = await exec(name, "bash", "-c", look);
    expect(`${further.stdout}up\n`).toBe(first.text());
    expect(further.stdout).toMatch(/^CapBnd:\t0+$[\s\S]*^NoNewPrivs:\t1$[\s\S]*^Seccomp_filters:\t2$/m);
    // The control: outside, less of it is so.
    expect((await desk.outside(["bash", "-c", look])).stdout).not.toBe(further.stdout);

    expect((await exec(name, "ls", "/proc/self/fd")).stdout).toBe("0\n1\n2\n3\n");
    // Landlock: what the mounts and the owner allow is refused all the same.
    const lower = "echo 500 >/proc/self/oom_score_adj";
    expect((await desk.outside(["bash", "-c", lower])).code).toBe(0);
    expect(await exec(name, "bash", "-c", lower)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Permission denied"),
    });
    const unshared = await exec(name, "unshare", "-U", "true");
    expect(unshared).toMatchObject({ code: 1, stderr: expect.stringContaining("not permitted") });
    await end();
    const { denials } = JSON.parse(readFileSync(outcome, "utf8"));
    expect(denials).toContainEqual(expect.objectContaining({ what: "unshare by unshare", layer: "filter" }));
  });

  test.runIf(isRoot)("is nobody of the host's, and least of all its root", async () => {
    const { name, mark, end } = await live();
    const other = makeMark();
    const further = desk.start(["session", "exec", name, "bash", "-c", "echo up; read -r never", other]);
    await further.said("up\n");
    const pid = [...processesOfCell(mark).values()].find((one) => processesWith(other).includes(one));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const uids = /^Uid:\t(.*)$/m.exec(status)?.[1]?.split("\t") ?? [];
    expect(new Set(uids).size).toBe(1);
    expect(uids[0]).not.toBe("0");
    further.child.stdin?.end();
    expect((await further.ended).code).toBe(1);
    await end();
  });

  test("counts for the cell's limits", async () => {
    const fill = "import sys; x = bytearray(400 << 20); print(len(x))";
    const control = await live();
    expect((await exec(control.name, "python3", "-c", fill)).stdout).toBe(`${400 << 20}\n`);
    await control.end();
    const outcome = path.join(desk.home, "limited.json");
    const { name, first } = await live(["--memory", "150M", "--outcome", outcome]);
    const hold = `${fill}; import time; time.sleep(20)`;
    const done = await exec(name, "python3", "-c", hold);
    expect([done.code, done.stdout]).toEqual([137, ""]);
    expect((await first.ended).code).toBe(137);
    expect(JSON.parse(readFileSync(outcome, "utf8"))).toMatchObject({ status: "out-of-memory" });
  });

  test("signals are the command's, and who kills Workcell ends the command", async () => {
    const { name, mark, end } = await live();
    expect((await exec(name, "sh", "-c", "kill -TERM $$")).code).toBe(128 + 15);
    for (const signal of ["SIGTERM", "SIGALRM", "SIGIO"] as const) {
      const trap = `trap 'echo got; exit 9' ${signal}; echo ready; while :; do sleep 0.05; done`;
      const trapped = desk.start(["session", "exec", name, "bash", "-c", trap]);
      await trapped.said("ready\n");
      trapped.child.kill(signal);
      expect([signal, await trapped.ended]).toMatchObject([signal, { code: 9, stdout: "ready\ngot\n" }]);
    }

    const other = makeMark();
    const lost = desk.start(["session", "exec", name, "bash", "-c", "echo up; read -r never", other]);
    await lost.said("up\n");
    expect(processesWith(other).length).toBeGreaterThan(1);
    lost.child.kill("SIGKILL");
    await until(() => processesWith(other).length === 0, 1000);
    expect(processesWith(mark).length).toBeGreaterThan(1);
    await end();
  });

  test("ends with its cell, and then there is none to run in", async () => {
    const { name, end } = await live();
    const further = desk.start(["session", "exec", name, "bash", "-c", "echo up; sleep 60"]);
    await further.said("up\n");
    await end();
    const ended = await further.ended;
    expect([ended.code, ended.stdout]).toEqual([137, "up\n"]);
    const late = await exec(name, "echo", "late");
    expect(late).toMatchObject({ code: 125, stdout: "" });
    expect(late.stderr).toBe(
      `workcell: Cannot run a further command in session "${name}": no cell of it runs, and one must (WC_SESSION)\n` +
        `  remedy: Start a command in it: workcell run --session ${name} CMD\n`,
    );
    expect((await exec("no-such-session", "true")).stderr).toContain("there is no such session");
  });

  test("what cannot be run is said by Workcell, with the shell's codes", async () => {
    const { name, end } = await live();
    const missing = await exec(name, "no-such-program");
    expect(missing).toMatchObject({
      code: 127,
      stdout: "",
      stderr: 'workcell: "no-such-program" was not found in the cell\n',
    });
    expect(await exec(name, "/etc/passwd")).toMatchObject({
      code: 126,
      stderr: 'workcell: "/etc/passwd" is not executable in the cell\n',
    });
    expect((await desk.workcell(["session", "exec", name])).code).toBe(125);
    expect((await desk.workcell(["session", "exec", "-t", name, "true"])).stderr).toContain("flag -t");
    await end();
  });

  test("leaves nothing, even of a Workcell that was killed", async () => {
    const { name, first, mark } = await live();
    const socketsOf = (session: string) =>
      readdirSync(path.join(folderOf(session), "cells")).filter((cell) =>
        existsSync(path.join(folderOf(session), "cells", cell, "exec")),
      );
    expect(socketsOf(name)).toHaveLength(1);
    first.child.kill("SIGKILL");
    await until(() => processesWith(mark).length === 0, 1000);
    expect((await exec(name, "true")).code).toBe(125);
    const next = await live();
    await until(() => socketsOf(name).length === 0, 2000);
    await next.end();
    expect(socketsOf(next.name)).toEqual([]);
  });

  test("of several cells the newest is meant, or the one that is named", async () => {
    const { name, end } = await live([], "echo first >/dev/shm/which");
    const [older = ""] = readdirSync(path.join(folderOf(name), "cells"));
    const second = desk.start([
      ...["run", "--session", name, "bash", "-c"],
      "echo second >/dev/shm/which; echo up; read x",
    ]);
    await second.said("up\n");
    expect((await exec(name, "cat", "/dev/shm/which")).stdout).toBe("second\n");
    const named = await desk.workcell(["session", "exec", "--cell", older, name, "cat", "/dev/shm/which"]);
    expect(named.stdout).toBe("first\n");
    const wrong = await desk.workcell(["session", "exec", "--cell", "c0ffee", name, "true"]);
    expect(wrong).toMatchObject({ code: 125, stderr: expect.stringContaining('cell "c0ffee"') });
    second.child.stdin?.end();
    await second.ended;
    await end();
  });

  /** Types keys at `workcell session exec` on a terminal of 33 rows, each when a mark is on the screen. */
  const onTerminal = async (words: string, keys: readonly (readonly [string, string])[]) => {
    const line = `stty rows 33 cols 101; exec ${desk.program} session exec ${words}`;
    const env = { PATH: process.env["PATH"] ?? "", HOME: desk.home, TERM: "xterm-test", SHELL: "/bin/bash" };
    const argv = ["script", "-qec", line, "/dev/null"];
    const started = startProgram(person, argv, { cwd: desk.home, env, open: true });
    for (const [mark, typed] of keys) {
      await started.said(mark);
      started.child.stdin?.write(typed);
    }
    return (await started.ended).stdout;
  };

  test("-t gives it a terminal of the cell's, whose keys are its own", async () => {
    const { name, end, mark } = await live();
    const script = [
      "trap 'hit=yes' INT; stty size; tty; echo $TERM; echo ready",
      'until [ "$hit" ]; do sleep 0.05; done; echo interrupted',
      "stty -echo; echo ask; read -r a; echo got $a; exit 5",
    ].join("\n");
    const shown = await onTerminal(`-t ${name} -- bash -c '${script.replaceAll("'", "'\\''")}'`, [
      ["ready", "\x03"],
      ["ask", "word\r"],
    ]);
    expect(shown).toMatch(/^33 101\r\n\/dev\/pts\/\d+\r\nxterm-test\r\nready\r\n/);
    expect(shown).toMatch(/interrupted\r\nask\r\ngot word\r\n$/);
    // Ctrl-C was the command's alone.
    expect(processesWith(mark).length).toBeGreaterThan(1);
    await end();
  });

  test("in the reference tunnel it starts a further cell on the session's home, as the first was started", async () => {
    const flags = ["--tunnel", "socat", "--memory", "300M", "-m", `${desk.work}:rw`];
    const { name, first, end } = await live(flags, "echo x >~/file; readlink /proc/self/ns/pid");
    const script = "cat ~/file; readlink /proc/self/ns/pid; pwd; echo $$; head -1 /proc/meminfo";
    const done = await exec(name, "sh", "-c", script);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    const [file, space, folder, pid, memory] = done.stdout.split("\n");
    expect([file, folder, pid]).toEqual(["x", desk.work, "5"]);
    expect(first.text()).not.toContain(space);
    expect(memory).toMatch(/^MemTotal: +307200 kB$/);
    await end();
    expect((await exec(name, "true")).code).toBe(125);
  });
});

describe.runIf(isRoot)("a live cell's socket", () => {
  test("is for the session's person only", async () => {
    using desk = makeDesk({ name: "root" });
    const first = desk.start(["run", "--session", "guarded-one", "sh", "-c", "echo up; read x"]);
    await first.said("up\n");
    const cells = path.join(desk.state, "sessions/guarded-one/cells");
    const socket = path.join(cells, readdirSync(cells)[0] ?? "", "exec");
    const client = [path.join(path.dirname(desk.program), "../dist/native/cellhost"), "exec", socket, "--"];
    const asked = await desk.outside([...client, "/usr/bin/id", "-u"]);
    expect(asked.code).toBe(0);
    const stranger = ["setpriv", "--reuid", "54322", "--regid", "54322", "--clear-groups"];
    expect((await desk.outside([...stranger, ...client, "/usr/bin/id", "-u"])).stdout).toBe("");
    first.child.stdin?.end();
    await first.ended;
  });
});
