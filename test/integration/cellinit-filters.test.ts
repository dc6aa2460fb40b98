import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFilters } from "../../src/plan/seccomp/index.ts";
import { CellBench, callNumbers, defaultOptions, lacking, starters } from "../helpers/cellinit.ts";

const kinds = ["seal", "init"] as const;
const cases = starters.flatMap((starter) => kinds.map((kind) => ({ starter, kind })));

/** What the tests of cellinit alone do under filters of one call is done here under those that a cell really has. */
describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit under a cell's own filters", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
    const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
    for (const [index, filter] of buildFilters(arch, { refuse: "notify", helpers: [1, 2] }).entries())
      writeFileSync(path.join(bench.path, `real-${index}`), filter.program);
  });
  afterAll(() => bench[Symbol.dispose]());
  const host = () => ({
    first_filter: path.join(bench.path, "real-0"),
    filter: path.join(bench.path, "real-1"),
  });

  test.each(cases)("$kind, started by $starter: seals itself without asking anybody", (how) => {
    const limits = ["nofile=64", "nproc=500", "core=0"].flatMap((limit) => ["--rlimit", limit]);
    const options = [...defaultOptions, ...limits];
    const run = bench.run({ ...how, options, host: host(), command: ["sh", "-c", "echo out; exit 3"] });
    expect(run).toMatchObject({ code: 3, stdout: "out\n", launcher: "", refused: [] });
  });

  test.each(kinds)("%s: a command that is not there is told as such", (kind) => {
    const run = bench.run({ kind, host: host(), command: ["no-such-program"] });
    expect(run).toMatchObject({ code: 127, refused: [] });
    expect(run.messages.at(-1)).toMatchObject({ say: "F", code: 127 });
  });

  test.each(kinds)("%s: the command's refused calls reach the listener, one by one", (kind) => {
    const attempt = `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for _ in range(3):
    libc.mount(b"/tmp", b"/tmp", None, 4096, None)
    print(ctypes.get_errno())`;
    const run = bench.run({ kind, host: host(), command: ["python3", "-c", attempt] });
    expect(run.stdout).toBe("1\n1\n1\n");
    expect(run.refused.filter((call) => call === callNumbers.mount)).toHaveLength(3);
  });

  test.each(kinds)("%s: a terminal can be had", (kind) => {
    const options = defaultOptions.filter((word) => word !== "--stderr-fd" && word !== "6");
    const command = ["sh", "-c", "test -t 0 && test -t 2 && echo terminal"];
    const run = bench.run({ kind, host: host(), options: [...options, "--terminal"], command });
    expect(run).toMatchObject({ code: 0, screen: "terminal\r\n" });
  });
});
