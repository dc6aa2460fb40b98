import { testWorks } from "../helpers/program-works.ts";

testWorks([
  {
    program: "node",
    does: "serves HTTP, starts workers and children, watches and copies files",
    script: `echo 'process.once("message", () => process.send("pong", () => process.disconnect()))' > child.mjs
      cat > work.mjs <<'END'
      import { execFileSync, fork } from "node:child_process";
      import * as fs from "node:fs";
      import http from "node:http";
      import { Worker } from "node:worker_threads";
      const seen = new Promise((go) => { const watcher = fs.watch(".", (_, name) => { watcher.close(); go(name); }); });
      fs.writeFileSync("a", "x", { mode: 0o755 });
      if ((await seen) !== "a") throw new Error("not seen");
      fs.cpSync("a", "b");
      const child = fork("child.mjs");
      const reply = await new Promise((go) => { child.once("message", go); child.send("ping"); });
      if (reply !== "pong") throw new Error("no answer");
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
    program: "python3",
    does: "computes with numpy on several threads and in several processes",
    needs: { check: "/usr/bin/python3 -c 'import numpy'", missing: "python3-numpy" },
    script: `cat > work.py <<'END'
import multiprocessing, multiprocessing.shared_memory, os, resource, threading
import numpy
def work(n): return float(numpy.linalg.norm(numpy.eye(n) @ numpy.eye(n)))
if __name__ == "__main__":
    a = numpy.random.default_rng(1).random((400, 400))
    assert numpy.allclose(numpy.linalg.inv(a) @ a, numpy.eye(400))
    mapped = numpy.memmap("mapped", dtype="float64", mode="w+", shape=(1000,)); mapped[:] = 2; mapped.flush()
    shared = multiprocessing.shared_memory.SharedMemory(create=True, size=64); shared.close(); shared.unlink()
    for way in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(way).Pool(2) as pool: assert pool.map(work, [4, 9]) == [2.0, 3.0]
    with multiprocessing.Manager() as manager: manager.dict()["a"] = 1
    os.sched_setaffinity(0, os.sched_getaffinity(0)); os.setpriority(os.PRIO_PROCESS, 0, 3)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("done")
END
      /usr/bin/python3 work.py`,
  },
]);
