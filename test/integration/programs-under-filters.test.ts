import { expect, test } from "vitest";
import { buildFilters } from "../../src/plan/seccomp/index.ts";
import { missing, runFiltered, starters } from "../helpers/filtered-bwrap.ts";

const filters = buildFilters(process.arch === "arm64" ? "aarch64" : "x86_64").map((filter) => filter.program);

interface Work {
  readonly program: string;
  readonly does: string;
  readonly script: string;
}

/** Everyday work, each ending with `done` when all of it went well. */
const works: readonly Work[] = [
  {
    program: "bash",
    does: "runs pipelines, background jobs, substitutions and tests",
    script: `set -euo pipefail
      sleep 0.01 & wait $!
      test "$(printf 'b\\na\\n' | sort | tr -d '\\n')" = ab
      diff <(echo same) <(echo same)
      umask 022; echo '#!/bin/sh' > tool; chmod +x tool; test -x tool; ./tool; mkfifo pipe
      trap 'echo done' EXIT`,
  },
  {
    program: "socat",
    does: "forwards a port to a UNIX socket",
    script: `socat UNIX-LISTEN:far,fork SYSTEM:cat & socat TCP-LISTEN:3128,fork,reuseaddr,bind=127.0.0.1 UNIX-CONNECT:far &
      for i in $(seq 200); do test -S far && (exec 3<>/dev/tcp/127.0.0.1/3128) 2>/dev/null && break; sleep 0.01; done
      echo done | socat - TCP:127.0.0.1:3128; kill %1 %2`,
  },
  {
    program: "node",
    does: "serves HTTP, starts workers and children, watches and copies files",
    script: `cat > work.mjs <<'END'
      import { execFileSync } from "node:child_process";
      import * as fs from "node:fs";
      import http from "node:http";
      import { Worker } from "node:worker_threads";
      fs.watch(".").close();
      fs.writeFileSync("a", "x", { mode: 0o755 });
      fs.cpSync("a", "b");
      await fs.promises.rm("b");
      const server = http.createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
      await new Promise((go) => server.once("listening", go));
      const text = await (await fetch("http://127.0.0.1:" + server.address().port)).text();
      server.close();
      const sum = await new Promise((go) => new Worker("require('worker_threads').parentPort.postMessage(3)", { eval: true }).once("message", go));
      if (text === "hello" && sum === 3) console.log(execFileSync("echo", ["done"], { encoding: "utf8" }));
END
      node work.mjs`,
  },
  {
    program: "npm",
    does: "installs a local package and runs its script",
    script: `mkdir lib app; echo '{"name":"lib","version":"1.0.0","bin":"./lib.js"}' > lib/package.json
      printf '#!/usr/bin/env node\\nconsole.log("done")\\n' > lib/lib.js
      echo '{"name":"app","version":"1.0.0","scripts":{"go":"lib"}}' > app/package.json
      tar czf lib.tgz --transform 's,^lib,package,' lib; cd app
      npm install --offline --no-audit --no-fund --silent ../lib.tgz && npm run --silent go`,
  },
  {
    program: "git",
    does: "makes, commits, clones, branches and packs",
    script: `set -e; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      git init -q one; echo x > one/x; git -C one add .; git -C one commit -qm x; git clone -q one two
      git -C two checkout -qb b; git -C two gc -q; test -z "$(git -C two status --porcelain)"; echo done`,
  },
  {
    program: "python3",
    does: "starts threads, processes and sockets",
    script: `python3 - <<'END'
import multiprocessing, os, shutil, socket, subprocess, tempfile, threading
def work(n): return n * n
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool: assert pool.map(work, [1, 2]) == [1, 4]
    thread = threading.Thread(target=work, args=(1,)); thread.start(); thread.join()
    near, far = socket.socketpair(); near.send(b"x"); assert far.recv(1) == b"x"
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/a", "w").close(); os.chmod(folder + "/a", 0o750); shutil.copy2(folder + "/a", folder + "/b")
    print(subprocess.run(["echo", "done"], capture_output=True, text=True).stdout)
END`,
  },
  {
    program: "tar",
    does: "packs and unpacks, keeping modes, links and times",
    script: `set -e; mkdir -m 1777 in; echo x > in/x; chmod 750 in/x; ln -s x in/y; ln in/x in/z; tar cf a.tar in
      mkdir out; tar xpf a.tar -C out; cp -a out/in copy; test "$(stat -c %a copy copy/x | xargs)" = '1777 750'; echo done`,
  },
];

const cases = starters.flatMap((starter) => works.map((work) => ({ starter, work, who: starter.name })));

test.for(cases)("$work.program $work.does, started by $who", ({ starter, work }, { skip }) => {
  const absent = missing(["bwrap", "bash", work.program]);
  skip(absent.length > 0, `not installed here: ${absent.join(", ")}`);
  const run = runFiltered(starter, filters, [
    ...["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp"],
    ...["--clearenv", "--setenv", "PATH", process.env["PATH"] ?? "", "--setenv", "HOME", "/tmp"],
    ...["bash", "-c", work.script],
  ]);
  expect({ code: run.code, last: run.output.trim().split("\n").at(-1), errors: run.errors }).toEqual({
    code: 0,
    last: "done",
    errors: "",
  });
});
