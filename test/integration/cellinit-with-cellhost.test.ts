import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CellBench, callNumbers, defaultOptions, lacking } from "../helpers/cellinit.ts";
import { type Starter, Supervised, starters, superviseWords } from "../helpers/supervised.ts";

const kinds = ["seal", "init"] as const;
const cases = starters.flatMap((starter) => kinds.map((kind) => ({ starter, kind, who: starter.name })));

/** Both programs together, as a cell has them; what each does by itself is tested beside its stand-in. */
describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit and cellhost", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  function start(starter: Starter, kind: (typeof kinds)[number], ...command: readonly string[]): Supervised {
    const descriptors = ["first", "second"].map((name) => openSync(path.join(bench.path, name), "r"));
    // The bench takes all of it away.
    const place = { path: bench.path, [Symbol.dispose]: () => {} };
    const cellhost = path.join(bench.path, "cellhost");
    const programs = { ...place, place, cellhost, inside: "/tmp/cellinit" };
    const around = [
      ...["/usr/bin/bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"],
      ...["--new-session", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"],
      ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
      ...["--bind", bench.open, "/tmp/open", "--ro-bind", bench.cellinit, "/tmp/cellinit", "--chdir", "/tmp"],
      ...["--add-seccomp-fd", "4", "--"],
    ];
    const flags = ["4", "5", "6"].flatMap((fd) => ["--keep-fd", fd]);
    const steps = [kind, ...defaultOptions, "--", ...command];
    const [program = "", ...words] = superviseWords(programs, { starter, around, flags }, steps);
    const child = spawn(program, words, {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
      stdio: ["pipe", "pipe", "pipe", "ipc", ...descriptors, "pipe"],
    });
    for (const descriptor of descriptors) closeSync(descriptor);
    onTestFinished(() => void child.kill("SIGKILL"));
    return new Supervised(child);
  }

  test.each(cases)("$kind by $who: sealed, ready, gone, refused and ended", async ({ starter, kind }) => {
    const attempt = `import ctypes
ctypes.CDLL(None).mount(b"/tmp", b"/tmp", None, 4096, None)
print("out"); raise SystemExit(3)`;
    const cell = start(starter, kind, "python3", "-c", attempt);
    const end = await cell.run();
    expect(end).toMatchObject({ status: 3 << 8 });
    expect(await cell.stdout).toBe("out\n");
    expect(cell.all("ready")[0]?.["landlock"]).toBeGreaterThan(0);
    expect(cell.all("deny")).toMatchObject([{ nr: callNumbers.mount, comm: "python3" }]);
    expect(cell.all("line")).toEqual([]);
    expect(cell.all("failed")).toEqual([]);
    expect(cell.all("exit")).toMatchObject(kind === "init" ? [{ status: 3 << 8 }] : []);
  });

  test.each(cases)("$kind by $who: a command that is not there", async ({ starter, kind }) => {
    const cell = start(starter, kind, "no-such-program");
    expect(await cell.run()).toMatchObject({ status: 127 << 8 });
    expect(cell.all("failed")).toMatchObject([
      { code: 127, errno: "ENOENT", step: 'execute "no-such-program"' },
    ]);
    expect(cell.all("exit")).toEqual([]);
  });

  test.each(cases)("$kind by $who: a signal reaches the command's group", async ({ starter, kind }) => {
    const script = "trap 'echo got; exit 6' TERM; echo up; sleep 20 & wait";
    const cell = start(starter, kind, "bash", "-c", script);
    await cell.go();
    await new Promise((resolve) => cell.child.stdout?.once("data", resolve));
    cell.send("s15");
    expect(await cell.until("end")).toMatchObject({ status: 6 << 8 });
  });

  test.each(starters)("init by $name: Node itself accepts on the ports", async (starter) => {
    const ask = `import socket
for port in (3128, 1080):
    with socket.create_connection(("127.0.0.1", port)) as end: print(end.makefile().readline().strip())`;
    const cell = start(starter, "init", "python3", "-c", ask);
    const servers = new Map<string, net.Server>();
    cell.child.on("message", (message, handle) => {
      const name = String((message as { name?: unknown }).name);
      if (handle === undefined || handle === null) return;
      const server = net.createServer((socket) => socket.end(`${name}\n`));
      servers.set(name, server.listen(handle));
    });
    expect(await cell.run()).toMatchObject({ status: 0 });
    expect(await cell.stdout).toBe("http\nsocks\n");
    for (const server of servers.values()) server.close();
  });
});
