import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, lacking, starters } from "../helpers/cellinit.ts";

const kinds = ["seal", "init"] as const;
const mark = ["sh", "-c", ": > /tmp/open/marker"];

describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit before go", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  const cases = starters.flatMap((starter) => kinds.map((kind) => ({ starter, kind })));

  test.each(cases)("$kind, started by $starter: runs the command on go", (how) => {
    expect(bench.run({ ...how, command: mark })).toMatchObject({ code: 0, marked: true, launcher: "" });
  });

  test.each(cases)("$kind, started by $starter: waits until go comes", (how) => {
    const run = bench.run({ ...how, command: mark, host: { reply: "late" } });
    expect(run).toMatchObject({ code: 0, marked: true });
  });

  test.each(cases)("$kind, started by $starter: the host's end is not go", (how) => {
    const run = bench.run({ ...how, command: mark, host: { reply: "eof" } });
    expect(run).toMatchObject({ code: 125, marked: false, stdout: "", stderr: "" });
  });

  test.each(cases)("$kind, started by $starter: silence is not go", (how) => {
    const run = bench.run({ ...how, command: mark, host: { reply: "silence", seconds: 1 } });
    expect(run).toMatchObject({ signal: 9, marked: false });
    expect(run.said).toBe(how.kind === "seal" ? "S" : "LS");
  });

  const garbage = ["00", "47", "6767", "670a", "45000000", "2767", "ff".repeat(300)];
  test.each(garbage.flatMap((hex) => kinds.map((kind) => ({ kind, hex }))))(
    "$kind: $hex is not go",
    (how) => {
      const run = bench.run({ kind: how.kind, command: mark, host: { reply: `hex:${how.hex}` } });
      expect(run).toMatchObject({ code: 125, marked: false });
      const said = { say: "F", code: 125, error: 71, id: 0, descriptors: 0 };
      expect(run.messages.at(-1)).toMatchObject(said);
    },
  );

  test("an empty packet is not go", () => {
    const run = bench.run({ command: mark, host: { reply: "hex:", seconds: 2 } });
    expect(run).toMatchObject({ code: 125, marked: false });
  });

  test.each(kinds)("%s: without a socket on the control descriptor nothing runs", (kind) => {
    const run = bench.run({ kind, command: mark, around: `exec 7</dev/zero; exec "$@"` });
    expect(run).toMatchObject({ code: 125, marked: false });
    expect(run.launcher).toMatch(/^cellinit: [^"\n]+ "control": [^\n]+ \(errno 88\)\n$/);
  });
});
