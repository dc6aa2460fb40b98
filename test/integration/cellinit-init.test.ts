import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, type CellTask, lacking, starters } from "../helpers/cellinit.ts";

describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit init", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  const run = (script: string, task: Partial<CellTask> = {}) =>
    bench.run({ kind: "init", command: ["bash", "-c", script], ...task });

  test.each(starters)("%s: both ports accept before the command's first instruction", (starter) => {
    const first = `import socket
for port in (3128, 1080):
    with socket.create_connection(("127.0.0.1", port)) as end: print(end.makefile().readline().strip())`;
    const done = bench.run({ starter, kind: "init", command: ["python3", "-c", first] });
    expect(done).toMatchObject({ stdout: "http\nsocks\n", said: "LSX", code: 0 });
    const control = bench.run({ starter, kind: "seal", command: ["python3", "-c", first] });
    expect(control.stderr).toContain("ConnectionRefusedError");
  });

  test("a connection made before the host accepts waits, and is not refused", () => {
    const script = `for i in $(seq 100); do exec {fd}<>/dev/tcp/127.0.0.1/3128 || exit 1; done; exit 0`;
    expect(run(script)).toMatchObject({ code: 0, stderr: "" });
  });

  test("a port that is taken stops the start", () => {
    const around = `socat TCP-LISTEN:1080,bind=127.0.0.1 - </dev/null & sleep 0.5; exec "$@"`;
    const done = run(": > /tmp/open/marker", { around });
    expect(done).toMatchObject({ code: 125, marked: false });
    expect(done.messages).toMatchObject([{ say: "F", code: 125, error: 98, step: `listen on port "1080"` }]);
  });

  test.each([
    ["exit 0", 0, 0],
    ["exit 7", 7 << 8, 7],
    ["exit 137", 137 << 8, 137],
    ["exit 255", 255 << 8, 255],
    ["kill -KILL $$", 9, 137],
    ["kill -TERM $$", 15, 143],
    ["kill -PIPE $$", 13, 141],
    ["kill -64 $$", 64, 192],
    ["ulimit -c 0; kill -SEGV $$", 11, 139],
  ])("%s: told as it was, and by the exit code", (script, status, code) => {
    const done = run(script);
    expect(done).toMatchObject({ code, said: "LSX" });
    expect(done.messages[2]).toMatchObject({ id: 0, status, descriptors: 0, length: 25 });
  });

  test("the command leads its group, apart from init, and is signalled by it", () => {
    const script = `echo $(ps -o pid=,ppid=,pgid= -p $$); trap 'echo got; exit 9' TERM; while :; do sleep 0.05; done`;
    const done = run(script, { host: { signal: 15 } });
    expect(done).toMatchObject({ code: 9, stdout: "3 2 3\ngot\n", said: "LSX" });
  });

  test("reaps what its parents left behind", () => {
    const script = `for i in 1 2 3 4 5; do (sleep 0.05 & exec true) ; done; sleep 0.5
      ps -eo pid=,ppid=,stat=,comm= | awk '{ print $2, substr($3, 1, 1), $4 }' | grep -E ' Z |sleep' ; exit 0`;
    expect(run(script)).toMatchObject({ stdout: "", code: 0 });
    // A parent that does not reap, as the control: the same look does see zombies.
    const zombie = `python3 -c 'import os, time
if os.fork() == 0: os._exit(0)
time.sleep(0.3); print(open("/proc/%d/stat" % (os.getpid() + 1)).read().split()[2])'`;
    expect(run(zombie).stdout).toBe("Z\n");
  });

  test("ends what the command leaves behind, stopped or not, in groups of their own or not", () => {
    const script = `sleep 50 & setsid sleep 50 & (trap '' TERM HUP INT; sleep 50) & setsid sh -c 'kill -STOP $$' & sleep 0.2; exit 4`;
    const began = Date.now();
    const done = run(script);
    expect(done).toMatchObject({ code: 4, said: "LSX" });
    expect(Date.now() - began).toBeLessThan(5000);
  });

  test("counts what all of the cell used", () => {
    const work = `python3 -c 'import time
held = bytearray(60 << 20)
while time.process_time() < 0.4: pass'`;
    const [, , ended] = run(`${work} & wait`).messages;
    expect(ended?.cpuUs).toBeGreaterThan(400_000);
    expect(ended?.cpuUs).toBeLessThan(5_000_000);
    expect(ended?.maxRssKb).toBeGreaterThan(60 << 10);
    const orphaned = `(setsid sh -c '"$@"; : > /tmp/done' sh ${work} &); until [ -e /tmp/done ]; do sleep 0.1; done`;
    const [, , orphan] = run(orphaned).messages;
    expect(orphan?.cpuUs).toBeGreaterThan(400_000);
  });

  test("holds no privilege itself, and keeps neither ports nor streams", () => {
    const script = `grep -E '^(Cap|NoNew|Uid)' /proc/2/status; cat /proc/2/environ; ls /proc/2/fd`;
    const { stdout, stderr } = run(script);
    expect(stdout.match(/^Cap\w+:\t0{16}$/gm)).toHaveLength(5);
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
    expect(stderr).toMatch(/environ: Permission denied\n.*fd': Permission denied\n$/s);
  });

  test("cannot be signalled by the command", () => {
    const script = `for n in TERM INT KILL STOP CHLD CONT; do kill -$n 2 && echo sent; kill -$n 1 && echo sent; done 2>&1 | sort | uniq -c`;
    const done = run(script);
    if ((done.messages[1]?.landlock ?? 0) >= 6) {
      expect(
        done.stdout
          .match(/\d+/g)
          ?.map(Number)
          .filter((n) => n > 2),
      ).toHaveLength(2);
      expect(done.stdout).not.toContain("sent");
    }
    expect(done.code).toBe(0);
  });

  test("a host that dies takes the cell along", () => {
    const script = "trap '' TERM HUP; : > /tmp/open/marker; sleep 20; echo alive > /tmp/open/alive";
    const began = Date.now();
    const done = run(script, { host: { leave: 0.5 } });
    expect(done).toMatchObject({ code: 125, marked: true });
    expect(Date.now() - began).toBeLessThan(5000);
  });

  test("a fork bomb ends with the cell", () => {
    // What waits is started before the bomb: after it there may be no process left to have.
    const script = `bomb() { while :; do (bomb) & done; }; ulimit -u 200; sleep 0.5 & s=$!; bomb 2>/dev/null & wait $s; exit 6`;
    const done = run(script, { host: { seconds: 20 } });
    expect(done).toMatchObject({ code: 6, said: "LSX" });
  });
});
