import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, defaultOptions, lacking } from "../helpers/cellinit.ts";

const kinds = ["seal", "init"] as const;
const failed = (code: number, error: number, name: string) => ({
  ...{ say: "F", id: 0, descriptors: 0, code, error, step: `execute "${name}"` },
});
const [ENOENT, EACCES, ENOTDIR, ELOOP] = [2, 13, 20, 40];

/** Says all that a program can see of how it was started. */
const look = `
import json, os, signal, sys
mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "umask": os.umask(0),
  "blocked": status["SigBlk"].strip(), "ignored": status["SigIgn"].strip(), "leads": os.getpgrp() == os.getpid()}))`;

describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit's command", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  test.each(kinds)("%s: is started with exactly the words and surroundings it was given", (kind) => {
    const words = ["", " ", "--", "-x", "--control-fd", 'a"b\\c\n', "\u00e9\u{1f600}", "*", "$HOME"];
    const environment = { PLAIN: "1", EMPTY: "", "odd name": "x=y\nz", LC_ALL: "C.UTF-8" };
    const around = `mkdir /tmp/here; cd /tmp/here; umask 0135; exec "$@"`;
    const task = { kind, around, environment, command: ["/usr/bin/python3", "-ISc", look, ...words] };
    const seen = JSON.parse(bench.run(task).stdout);
    expect(seen).toMatchObject({ argv: words, cwd: "/tmp/here", umask: 0o135, leads: true });
    expect(seen.env).toEqual({
      ...environment,
      ...{ PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp", PWD: "/tmp/here", OLDPWD: "/tmp", SHLVL: "0" },
    });
    const control = JSON.parse(bench.run({ ...task, control: true }).stdout);
    expect(control).toEqual({ ...seen, leads: false });
  });

  test.each(kinds)("%s: blocks and ignores no signal, whatever was inherited", (kind) => {
    const all = "set(range(1, 65)) - {9, 19, 32, 33}";
    const around = `exec python3 -c 'import ctypes, os, signal, struct, sys
for number in range(1, 65):
    ctypes.CDLL(None).syscall(SYS, number, struct.pack("QQQQ", 1, 0, 0, 0), None, 8)
signal.pthread_sigmask(signal.SIG_BLOCK, ${all})
os.execvp(sys.argv[1], sys.argv[1:])' "$@"`.replace("SYS", process.arch === "arm64" ? "134" : "13");
    // By cat: Python itself ignores SIGPIPE.
    const command = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"];
    const none = "0".repeat(16);
    const run = bench.run({ kind, around, command });
    expect(run.stdout).toBe(`SigBlk:\t${none}\nSigIgn:\t${none}\n`);
    const control = bench.run({ around, command, control: true });
    expect(control.stdout).toMatch(/^SigBlk:\tf+[^\n]*\nSigIgn:\tf+/);
  });

  test.each([
    ["a name found nowhere", "no-such-program", 127, ENOENT],
    ["a path that is not there", "/tmp/none", 127, ENOENT],
    ["a path below a file", "/etc/passwd/x", 127, ENOTDIR],
    ["an empty name", "", 127, ENOENT],
    ["a folder", "/usr", 126, EACCES],
    ["a file that is not executable", "/etc/passwd", 126, EACCES],
    ["a loop of symlinks", "/tmp/loop", 126, ELOOP],
    ["a script whose interpreter is missing", "/tmp/orphan", 127, ENOENT],
    ["a name of PATH that is not executable", "plain", 126, EACCES],
    ["a folder's name on PATH", "folder", 127, ENOENT],
  ])("%s: %j is %i", (_what, name, code, error) => {
    const around = `ln -s loop /tmp/loop; printf '#!/none\\n' >/tmp/orphan; chmod 755 /tmp/orphan
      mkdir -p /tmp/bin/folder; touch /tmp/bin/plain; mkdir -m 0 /tmp/shut; exec "$@"`;
    for (const kind of kinds) {
      const run = bench.run({
        ...{ kind, around, command: [name, "x"] },
        environment: { PATH: "/tmp/shut:/tmp/none:/tmp/bin:/usr/bin:/bin" },
      });
      expect(run).toMatchObject({ code, stdout: "", stderr: "", launcher: "" });
      expect(run.messages.at(-1)).toMatchObject(failed(code, error, name));
    }
  });

  test("what is named in a failure stays one bounded line", () => {
    const name = `/tmp/"\n\u001b[2J${"x".repeat(3000)}`;
    const [, said] = bench.run({ command: [name] }).messages;
    expect(said?.step).toMatch(/^execute "\/tmp\/\\x22\\x0a\\x1b\[2Jx+\.\.\."$/);
    expect(said?.step?.length).toBeLessThanOrEqual(160);
  });

  test("a script without an interpreter is run by the shell, with its words", () => {
    const around = `mkdir /tmp/bin; printf 'echo "$0" "$#" "$1" "$2"' > /tmp/bin/script; chmod 755 /tmp/bin/script; exec "$@"`;
    const environment = { PATH: "/tmp/none:/tmp/bin:/usr/bin:/bin" };
    const task = { around, environment };
    expect(bench.run({ ...task, command: ["script", "a b", ""] }).stdout).toBe("/tmp/bin/script 2 a b \n");
    expect(bench.run({ ...task, command: ["/tmp/bin/script"] }).stdout).toBe("/tmp/bin/script 0  \n");
    expect(bench.run({ ...task, kind: "init", command: ["script", "x"] }).stdout).toBe(
      "/tmp/bin/script 1 x \n",
    );
  });

  test("the first of PATH wins, an empty part is the working folder, a missing PATH the usual one", () => {
    const around = (path: string) => `mkdir /tmp/a /tmp/b
      for f in a/tool b/tool tool; do printf '#!/bin/sh\\necho %s' $f > /tmp/$f; chmod 755 /tmp/$f; done; ${path}; exec "$@"`;
    const tool = (path: string) => bench.run({ around: around(path), command: ["tool"] }).stdout;
    expect(tool("export PATH=/tmp/b:/tmp/a")).toBe("b/tool\n");
    expect(tool("export PATH=/tmp/none::/tmp/a")).toBe("tool\n");
    const unset = bench.run({ around: 'unset PATH; exec "$@"', command: ["printenv", "HOME"] });
    expect(unset).toMatchObject({ code: 0, stdout: "/tmp\n" });
  });

  test.each(kinds)("%s: only the command speaks on the person's stderr", (kind) => {
    const run = bench.run({ kind, command: ["sh", "-c", "echo out; echo err >&2"] });
    expect(run).toMatchObject({ stdout: "out\n", stderr: "err\n", launcher: "" });
    const options = defaultOptions.filter((word) => word !== "--stderr-fd" && word !== "6");
    const kept = bench.run({ kind, options, command: ["sh", "-c", "echo err >&2"] });
    expect(kept).toMatchObject({ stderr: "", launcher: "err\n" });
  });
});
