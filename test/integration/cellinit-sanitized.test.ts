import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileSanitized } from "../helpers/cellhost.ts";
import { CellBench, defaultOptions, lacking } from "../helpers/cellinit.ts";

function buildSanitized(place: string): string {
  const program = path.join(place, "sanitized");
  compileSanitized(program, "cellinit");
  return program;
}

/** What the sanitizers find is written to stderr, which is the launcher's until the command runs. */
describe.skipIf(lacking("bwrap", "python3", "gcc").length > 0)("cellinit under the sanitizers", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench(buildSanitized);
  });
  afterAll(() => bench[Symbol.dispose]());
  const kinds = ["seal", "init"] as const;
  const limits = ["--rlimit", "nofile=64", "--rlimit", "core=0"];
  const env = ["PATH=/usr/bin:/bin"];

  test.each(kinds)("%s: seals and starts a command", (kind) => {
    const run = bench.run({ kind, options: [...defaultOptions, ...limits], command: ["sh", "-c", "exit 4"] });
    expect(run).toMatchObject({ code: 4, stdout: "", stderr: "", launcher: "" });
  });

  test.each(kinds)("%s: reports a command that is not there", (kind) => {
    const run = bench.run({ kind, command: [`none${"\n".repeat(5000)}`] });
    expect(run).toMatchObject({ code: 127, stderr: "", launcher: "" });
    expect(run.messages.at(-1)).toMatchObject({ say: "F", error: 2 });
  });

  test.each(kinds)("%s: runs a script without an interpreter", (kind) => {
    const around = `mkdir /tmp/bin; echo 'echo "$1"' > /tmp/bin/script; chmod 755 /tmp/bin/script; exec "$@"`;
    const run = bench.run({
      kind,
      around,
      environment: { PATH: "/tmp/bin:/usr/bin:/bin" },
      command: ["script", "x"],
    });
    expect(run).toMatchObject({ code: 0, stdout: "x\n", launcher: "" });
  });

  test.each(kinds)("%s: ends on garbage", (kind) => {
    const run = bench.run({ kind, command: ["true"], host: { reply: `hex:${"00".repeat(5000)}` } });
    expect(run).toMatchObject({ code: 125, stderr: "", launcher: "" });
  });

  test.each(kinds)("%s: gives a terminal", (kind) => {
    const options = defaultOptions.filter((word) => word !== "--stderr-fd" && word !== "6");
    const run = bench.run({ kind, options: [...options, "--terminal"], command: ["tty"] });
    expect(run).toMatchObject({ code: 0, screen: "/dev/pts/0\r\n", launcher: "" });
  });

  test("starts further commands, and ends them", () => {
    const exec = [
      { id: 1, words: ["echo", "a", ""], env },
      { id: 2, words: ["none"], env },
      { id: 3, words: ["sleep", "50"], env },
      { hex: "45", descriptors: 3 },
    ];
    const run = bench.run({ kind: "init", command: ["sleep", "1"], host: { exec } });
    expect(run).toMatchObject({ code: 0, launcher: "" });
    expect(run.execs).toEqual(["a \n", "", "", ""]);
    expect([...run.said].sort().join("")).toBe("FLSSSSXXX");
  });
});
