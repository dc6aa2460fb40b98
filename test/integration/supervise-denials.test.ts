import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/supervised.ts";

const { supervise } = helper;

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
});
afterAll(() => programs[Symbol.dispose]());

const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
const acct = process.arch === "arm64" ? 89 : 163;
const sethostname = process.arch === "arm64" ? 161 : 170;

describe.each(helper.starters)("refused calls, started by $name", (starter) => {
  test("are answered EPERM and told once for each call and program", async () => {
    // The stand-in ends with 99 when an answer is another than EPERM.
    const steps = ["refused", "5", "named", "other name", "refused", "3", "exec", "/bin/hostname", "x"];
    const cell = supervise(programs, { starter }, "seal", "wait", ...steps);
    const ready = await cell.go();
    const end = await cell.until("end");
    expect(end).toMatchObject({ status: 1 << 8 });
    const args = expect.arrayContaining([expect.stringMatching(/^\d+$/)]);
    const told = { t: "deny", arch, args, pid: ready["command"] };
    expect(cell.all("deny")).toEqual([
      { ...told, nr: acct, comm: "supervised" },
      { ...told, nr: acct, comm: "other name" },
      { ...told, nr: sethostname, comm: "hostname" },
    ]);
    const given = cell.all("deny").map(({ args }) => args as readonly string[]);
    expect(given.map((args) => [args.length, args[0]])).toEqual([
      [6, "4660"],
      [6, "4660"],
      [6, expect.any(String)],
    ]);
    expect(cell.all("denied")).toEqual([{ t: "denied", count: 9 }]);
    expect((await cell.stdout) + (await cell.stderr)).toBe("");
  });

  test("a cell without any says none", async () => {
    const cell = supervise(programs, { starter }, "seal", "wait", "status", "0");
    await cell.run();
    expect(cell.said.map(({ t }) => t)).toEqual(["ready", "end"]);
  });

  test("a hundred thousand of them are one line and a number", async () => {
    const cell = supervise(programs, { starter }, "seal", "wait", "refused", "100000", "status", "0");
    expect(await cell.run()).toMatchObject({ status: 0 });
    expect(cell.all("deny")).toHaveLength(1);
    expect(cell.all("denied")).toEqual([{ t: "denied", count: 100_000 }]);
  });

  test("of many names, with any bytes in them, the first 200 are told", async () => {
    const names = Array.from({ length: 250 }, (_, i) => `\\"\u001b\n${i}`);
    const steps = names.flatMap((name) => ["named", name, "refused", "2"]);
    const cell = supervise(programs, { starter }, "seal", "wait", ...steps, "status", "0");
    expect(await cell.run()).toMatchObject({ status: 0 });
    expect(cell.all("deny").map(({ comm }) => comm)).toEqual(names.slice(0, 200));
    expect(cell.all("denied")).toEqual([{ t: "denied", count: 500 }]);
  });

  test("who waits for an answer can be ended", async () => {
    const flood = ["refused", "100000000"];
    const cell = supervise(programs, { starter }, "seal", "wait", ...flood);
    await cell.go();
    await cell.until("deny");
    cell.send("k");
    expect(await cell.until("end")).toMatchObject({ status: 9 });
  });

  test("a Node that reads nothing holds up no answer, and misses nothing that it must know", async () => {
    const names = Array.from({ length: 250 }, (_, i) => ["named", `name ${i}`, "refused", "1"]).flat();
    const lines = ["complain", `${"78".repeat(4000)}0a`, "190"];
    const steps = [...lines, ...names, "print", "done", "status", "3"];
    const cell = supervise(programs, { starter }, "seal", "wait", ...steps);
    await cell.go();
    const end = Date.now() + 500;
    while (Date.now() < end);
    expect(await cell.until("end")).toMatchObject({ status: 3 << 8 });
    expect(cell.all("line")).toHaveLength(190);
  });
});
