import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makePlace, type Place, runToEnd } from "../helpers/cellhost.ts";
import { lacking } from "../helpers/cellinit.ts";
import { compile, placeNative } from "../helpers/made-once.ts";

const root = path.resolve(import.meta.dirname, "../..");
const folder = path.join(root, "native/cellinit");
const sources = readdirSync(folder)
  .filter((name) => name.endsWith(".c"))
  .map((name) => path.join(folder, name));
const compiler = process.arch === "arm64" ? "gcc" : "aarch64-linux-gnu-gcc";
const emulator = process.arch === "arm64" ? [] : ["qemu-aarch64"];
const strict = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-static"];
const needed = ["--control-fd", "7", "--filter-fd", "5", "--landlock-required"];

describe.skipIf(lacking(compiler, ...emulator).length > 0)("cellinit for aarch64", () => {
  let place: Place;
  let cellinit = "";
  beforeAll(() => {
    place = makePlace();
    cellinit = path.join(place.path, "cellinit");
  });
  afterAll(() => place[Symbol.dispose]());

  test("compiles without a warning, and is an aarch64 program", () => {
    compile(cellinit, { words: [compiler, ...strict], sources });
    const header = readFileSync(cellinit).subarray(0, 20);
    expect(header.readUInt16LE(18)).toBe(183);
  });

  test.each([
    [["seal", "--control-fd", "2"], 'not a descriptor above 2, argument "2"'],
    [
      ["seal", "--control-fd", "18446744073709551623"],
      'not a descriptor above 2, argument "18446744073709551623"',
    ],
    [
      ["init", ...needed, "--rlimit", "core=9223372036854775808"],
      'not the value of a limit, argument "9223372036854775808"',
    ],
    [["init", ...needed, "--", "true"], 'use descriptor of argument "--control-fd"'],
  ])("reads its arguments: %j", (words, complaint) => {
    const done = runToEnd([...emulator, cellinit, ...words]);
    expect(done).toMatchObject({ status: 125, stdout: "" });
    expect(done.stderr).toContain(`cellinit: ${complaint}`);
  });

  test.each(["go", "exec-few", "arguments"])("its parsers hold against the fuzzer: %s", (parser) => {
    const fuzzer = path.join(place.path, "fuzz");
    const parts = sources.filter((source) => path.basename(source) !== "main.c");
    const harness = path.join(root, "test/fixtures/fuzz-cellinit.c");
    compile(fuzzer, { words: [compiler, ...strict], sources: [harness, ...parts] });
    const done = runToEnd([...emulator, fuzzer, parser, `${Date.now()}`, "300"], { timeout: 60_000 });
    expect(done).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
  });
});

describe.skipIf(lacking("musl-gcc").length > 0)("cellinit against musl", () => {
  test("is at most 64 kB, since it goes into every cell", () => {
    using place = makePlace();
    placeNative(place.path, ["cellinit"]);
    expect(statSync(path.join(place.path, "cellinit")).size).toBeLessThanOrEqual(64 * 1024);
  });
});
