import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AuditEvent, AuditLine } from "../model/index.ts";
import { GENESIS, hashOf } from "./audit-chain.ts";
import { endFile, keepEnd } from "./audit-end.ts";
import { type AuditOptions, openAudit } from "./audit-log.ts";
import { followAudit } from "./audit-read.ts";
import { verifyAudit } from "./audit-verify.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync("/tmp/workcell-audit-");
  file = path.join(folder, "state", "audit.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const noLock = () => Promise.resolve();
const event = (subject: string, decision: "allow" | "deny" = "allow"): AuditEvent => ({
  ...{ session: "brave-loving-maxwell", cell: "c1", kind: "connect", decision, layer: "gate" },
  ...{ rule: "example.org", origin: "flag --allow-host", subject },
});
const now = () => new Date("2026-01-02T03:04:05.678Z");

async function write(subjects: readonly string[], options: AuditOptions = {}): Promise<void> {
  const log = openAudit(file, noLock, { now, ...options });
  for (const subject of subjects) log.append(event(subject));
  await log.close();
}
const linesOf = (name: string) => readFileSync(name, "utf8").trim().split("\n");

test("openAudit() chains what it writes, in a file of 0600 in a folder of 0700", async () => {
  const written: AuditLine[] = [];
  await write(["a:1", "b:2"], { onWritten: (lines) => written.push(...lines) });
  const first = { seq: 1, time: "2026-01-02T03:04:05.678Z", ...event("a:1"), prev: GENESIS };
  const one = { ...first, hash: hashOf(first) };
  const second = { ...first, ...event("b:2"), seq: 2, prev: one.hash };
  const two = { ...second, hash: hashOf(second) };
  expect(linesOf(file).map((line) => JSON.parse(line))).toEqual([one, two]);
  expect(written).toEqual([one, two]);
  expect([statSync(file).mode & 0o777, statSync(path.dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
});

test("openAudit() touches nothing when there is no event", async () => {
  await write([]);
  expect(() => statSync(path.dirname(file))).toThrow("ENOENT");
  expect(await verifyAudit(file)).toEqual({ lines: 0, refused: 0, intact: true });
});

test("openAudit() writes what waits without being flushed", async () => {
  const written = new Promise<readonly AuditLine[]>((resolve) => {
    openAudit(file, noLock, { now, delayMs: 1, onWritten: resolve }).append(event("a:1"));
  });
  expect((await written).map((line) => line.subject)).toEqual(["a:1"]);
});

test("flush() rejects with WC_AUDIT, and writes the batch once it can", async () => {
  writeFileSync(path.join(folder, "state"), "a file where the folder should be");
  const log = openAudit(file, noLock, { now });
  log.append(event("a:1"));
  await expect(log.flush()).rejects.toMatchObject({ code: "WC_AUDIT" });
  rmSync(path.join(folder, "state"));
  await log.flush();
  expect(linesOf(file)).toHaveLength(1);
});

test("openAudit() lets so many events wait, and takes the last ones down all the same", async () => {
  writeFileSync(path.join(folder, "state"), "a file where the folder should be");
  const log = openAudit(file, noLock, { now, maxWaiting: 2 });
  expect(["a:1", "b:1", "c:1"].map((subject) => log.append(event(subject)))).toEqual([true, true, false]);
  await expect(log.flush()).rejects.toMatchObject({ code: "WC_AUDIT" });
  expect(log.append(event("d:1"))).toBe(false);
  rmSync(path.join(folder, "state"));
  await log.close([event("1 more")]);
  expect(linesOf(file).map((line) => JSON.parse(line).subject)).toEqual(["a:1", "b:1", "1 more"]);
});

test("the log is rotated above its size, and the chain goes on in the new file", async () => {
  for (const name of ["a", "b", "c", "d", "e"]) await write([`${name}:1`], { maxBytes: 1000 });
  const subjects = [`${file}.1`, file].map((name) => linesOf(name).map((line) => JSON.parse(line).subject));
  expect(subjects).toEqual([["c:1", "d:1"], ["e:1"]]);
  expect(await verifyAudit(file)).toEqual({ lines: 3, refused: 0, intact: true });
  rmSync(`${file}.1`);
  expect(await verifyAudit(file)).toMatchObject({ intact: false, firstBroken: { file, line: 1 } });
});

test("followAudit() gives old and new lines once each, across a rotation", async () => {
  await write(["a:1", "b:1"]);
  const stop = new AbortController();
  const seen: string[] = [];
  const warnings: unknown[] = [];
  process.on("warning", (warning) => warnings.push(warning));
  for await (const entry of followAudit(file, { signal: stop.signal, intervalMs: 5 })) {
    seen.push(entry.line?.subject ?? "?");
    if (seen.length === 2) await write(["c:1"], { maxBytes: 10 });
    if (seen.length === 3) setTimeout(() => void write(["d:1", "e:1"]), 100);
    if (seen.length === 5) stop.abort();
  }
  expect(seen).toEqual(["a:1", "b:1", "c:1", "d:1", "e:1"]);
  // Twenty looks at the same file leave nothing open on it.
  expect(warnings).toEqual([]);
});

test("a torn last line is set aside and said, wherever the crash cut it, and the chain goes on", async () => {
  await write(["a:1", "b:1"]);
  const whole = readFileSync(file, "utf8");
  const firstLine = whole.indexOf("\n") + 1;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: firstLine + 1, max: whole.length - 1 }), async (size) => {
      rmSync(`${file}.torn`, { force: true });
      writeFileSync(file, whole);
      truncateSync(file, size);
      // A crash in the middle of a line comes before its end is kept.
      await keepEnd(file, JSON.parse(whole.slice(0, firstLine)));
      const notes: string[] = [];
      await write(["c:1"], { onRecovered: (note) => notes.push(note) });
      const lacksOnlyItsNewline = size === whole.length - 1;
      const kept = lacksOnlyItsNewline ? [] : [whole.slice(firstLine, size)];
      expect(await verifyAudit(file)).toEqual({
        ...{ lines: lacksOnlyItsNewline ? 3 : 2, refused: 0, intact: true },
        ...(kept.length > 0 && { setAside: `${file}.torn` }),
      });
      expect(notes).toHaveLength(kept.length);
      if (kept[0]) expect(JSON.parse(readFileSync(`${file}.torn`, "utf8")).torn).toBe(kept[0]);
    }),
    { numRuns: 60 },
  );
});

test("a whole line that is broken stays as evidence: appending goes on, and verifyAudit() names it", async () => {
  await write(["a:1", "b:1"]);
  const [first] = linesOf(file);
  writeFileSync(file, `${first}\n\0\0\0 garbage\n`);
  await write(["c:1"]);
  expect(linesOf(file)).toHaveLength(3);
  expect(await verifyAudit(file)).toMatchObject({
    intact: false,
    firstBroken: { line: 2, why: "it is no audit line" },
  });
});

test("verifyAudit() finds any change of any byte, and any line taken out, moved or added", async () => {
  await write(["a:1", "b:1", "c:1", "d:1"]);
  const whole = readFileSync(file, "utf8");
  const lines = linesOf(file);
  for (const forged of [
    [lines[0], lines[2], lines[3]],
    [lines[1], lines[2], lines[3]],
    [lines[0], lines[2], lines[1], lines[3]],
    [lines[0], lines[0], lines[1]],
  ]) {
    writeFileSync(file, `${forged.join("\n")}\n`);
    expect((await verifyAudit(file)).intact).toBe(false);
  }
  const places = fc.integer({ min: 0, max: whole.length - 2 });
  await fc.assert(
    fc.asyncProperty(places, fc.constantFrom("0", "x", '"', "\n", " "), async (at, other) => {
      fc.pre(whole[at] !== other);
      writeFileSync(file, whole.slice(0, at) + other + whole.slice(at + 1));
      expect((await verifyAudit(file)).intact).toBe(false);
    }),
    { numRuns: 150 },
  );
  writeFileSync(file, whole);
  expect((await verifyAudit(file)).intact).toBe(true);
});

test("verifyAudit() finds lines that were cut off, and what was put in their place, also when more has been written since", async () => {
  await write(["a:1", "b:1", "c:1"]);
  const whole = readFileSync(file, "utf8");
  const kept = readFileSync(endFile(file), "utf8");
  const lines = linesOf(file);
  const anew = (line = "", subject = "") => {
    const forged = { ...JSON.parse(line), subject };
    return JSON.stringify({ ...forged, hash: hashOf(forged) });
  };
  const gone = "it is not there: number 3 of the chain was the last that was written";
  for (const [text, line, why] of [
    [`${lines[0]}\n${lines[1]}\n`, 3, gone],
    [`${lines[0]}\n`, 2, gone],
    ["", 1, gone],
    [whole.slice(0, -2), 3, gone],
    [`${lines[0]}\n${lines[1]}\n${anew(lines[2], "x:1")}\n`, 3, "it is not what was written as number 3"],
  ] as const) {
    writeFileSync(file, text);
    writeFileSync(endFile(file), kept);
    expect(await verifyAudit(file)).toMatchObject({ intact: false, firstBroken: { file, line, why } });
    await write(["d:1"]);
    expect(JSON.parse(linesOf(file).at(-1) ?? "")).toMatchObject({
      seq: 4,
      prev: JSON.parse(lines[2] ?? "").hash,
    });
    expect((await verifyAudit(file)).intact).toBe(false);
  }
  // Control: nothing else is wrong with a log that was cut.
  writeFileSync(file, `${lines[0]}\n${lines[1]}\n`);
  rmSync(endFile(file));
  expect(await verifyAudit(file)).toMatchObject({ lines: 2, intact: true });
});

test("an end that was not kept any more, as by a crash, breaks nothing", async () => {
  await write(["a:1"]);
  const kept = readFileSync(endFile(file), "utf8");
  await write(["b:1"]);
  for (const text of [kept, "", "garbage\n"]) {
    writeFileSync(endFile(file), text);
    expect((await verifyAudit(file)).intact).toBe(true);
    await write(["c:1"]);
    expect((await verifyAudit(file)).intact).toBe(true);
  }
  expect(statSync(endFile(file)).mode & 0o777).toBe(0o600);
});

const flock = `(fd) => new Promise((resolve, reject) =>
  spawn("flock", ["-x", "3"], { stdio: ["ignore", "ignore", "ignore", fd] })
    .on("error", reject).on("exit", (code) => (code === 0 ? resolve() : reject(new Error("flock " + code)))))`;

async function fourWriters(lock: string, times: number, maxBytes: number): Promise<void> {
  const { build } = await import("esbuild");
  const source = `
    import { spawn } from "node:child_process";
    import { openAudit } from "./audit-log.ts";
    const log = openAudit(process.argv[2], ${lock}, { maxBytes: ${maxBytes} });
    for (let i = 0; i < ${times}; i++) { log.append(${JSON.stringify(event("x:1"))}); await log.flush(); }`;
  const program = path.join(folder, "writer.mjs");
  const stdin = { contents: source, resolveDir: import.meta.dirname, loader: "ts" as const };
  await build({ stdin, bundle: true, platform: "node", format: "esm", outfile: program });
  const ends = [1, 2, 3, 4].map(
    () => new Promise((resolve) => spawn(process.execPath, [program, file]).on("exit", resolve)),
  );
  expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
}

test("four processes at once keep one chain, by the lock, across a rotation", async () => {
  await fourWriters(flock, 12, 14_000);
  expect(await verifyAudit(file)).toEqual({ lines: 48, refused: 0, intact: true });
  expect(statSync(`${file}.1`).size).toBeGreaterThan(0);
}, 60_000);

test("control: four processes without the lock break the chain", async () => {
  await fourWriters("() => Promise.resolve()", 150, 1e9);
  expect((await verifyAudit(file)).intact).toBe(false);
}, 60_000);
