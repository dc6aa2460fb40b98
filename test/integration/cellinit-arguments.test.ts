import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileSanitized, makePlace, type Place, runToEnd, sanitizing } from "../helpers/cellhost.ts";
import { lacking } from "../helpers/cellinit.ts";
import { compile } from "../helpers/made-once.ts";

const root = path.resolve(import.meta.dirname, "../..");
const sources = readdirSync(path.join(root, "native/cellinit"))
  .filter((name) => name.endsWith(".c"))
  .map((name) => path.join(root, "native/cellinit", name));
const needed = ["--control-fd", "7", "--filter-fd", "5", "--landlock-required"];

describe.skipIf(lacking("gcc").length > 0)("cellinit's arguments", () => {
  let place: Place;
  let cellinit = "";
  beforeAll(() => {
    place = makePlace();
    cellinit = path.join(place.path, "cellinit");
    compileSanitized(cellinit, "cellinit");
  });
  afterAll(() => place[Symbol.dispose]());

  test.each([
    [[], 'missing sub-command "seal or init"'],
    [["exec"], 'unknown sub-command "exec"'],
    [["seal"], 'missing value after argument "cellinit"'],
    [["seal", "--"], 'missing argument "--control-fd"'],
    [["seal", "--control-fd", "7", "--", "true"], 'missing argument "--filter-fd"'],
    [["seal", ...needed.slice(0, 4), "--", "true"], 'missing argument "--landlock-required"'],
    [["init", ...needed, "--"], 'missing command after argument "--"'],
    [["seal", ...needed, "true"], 'unknown argument "true"'],
    [["seal", ...needed, "--control-fd"], 'missing value after argument "--control-fd"'],
    [
      ["seal", ...needed, "--landlock-optional", "--", "true"],
      'contradicting argument "--landlock-optional"',
    ],
    [["seal", "--control-fd", "2"], 'not a descriptor above 2, argument "2"'],
    [["seal", "--control-fd", "-7"], 'not a descriptor above 2, argument "-7"'],
    [["seal", "--control-fd", "7 "], 'not a descriptor above 2, argument "7 "'],
    [["seal", "--control-fd", "0x7"], 'not a descriptor above 2, argument "0x7"'],
    [["seal", "--control-fd", "2147483647"], 'not a descriptor above 2, argument "2147483647"'],
    [
      ["seal", "--control-fd", "18446744073709551623"],
      'not a descriptor above 2, argument "18446744073709551623"',
    ],
    [["seal", "--filter-fd", ""], 'not a descriptor above 2, argument ""'],
    [["seal", ...needed, "--stderr-fd", "5", "--", "true"], "two uses of one descriptor, argument"],
    [["seal", "--control-fd", "5", ...needed.slice(2), "--", "true"], "two uses of one descriptor, argument"],
    [
      ["seal", ...needed, "--stderr-fd", "6", "--terminal", "--", "true"],
      'not with --terminal, argument "--stderr-fd"',
    ],
    [["seal", "--landlock-read", "usr"], 'not an absolute path, argument "usr"'],
    [["seal", "--rlimit", "nofile"], 'not a limit (NAME=VALUE), argument "nofile"'],
    [["seal", "--rlimit", "=1"], 'not a limit\'s name (nproc, nofile, core, fsize), argument "=1"'],
    [
      ["seal", "--rlimit", "nofiles=1"],
      'not a limit\'s name (nproc, nofile, core, fsize), argument "nofiles=1"',
    ],
    [["seal", "--rlimit", "core="], 'not the value of a limit, argument ""'],
    [["seal", "--rlimit", "core=1k"], 'not the value of a limit, argument "1k"'],
    [
      ["seal", "--rlimit", "core=9223372036854775808"],
      'not the value of a limit, argument "9223372036854775808"',
    ],
    [["seal", "--rlimit", "core=0", "--rlimit", "core=0"], 'limit given twice, argument "core=0"'],
    [["seal", 'a"\n\u001b'], 'unknown argument "a\\x22\\x0a\\x1b"'],
    [["seal", ...needed, "--", "true"], 'use descriptor of argument "--control-fd"'],
  ])("%j: %s", (words, complaint) => {
    const done = runToEnd([cellinit, ...words]);
    expect(done).toMatchObject({ status: 125, stdout: "" });
    expect(done.stderr).toMatch(/^cellinit: [^\n]+ \(errno \d+\)\n$/);
    expect(done.stderr).toContain(`cellinit: ${complaint}`);
  });

  test("too many paths are refused, not written past the end", () => {
    const paths = Array.from({ length: 513 }, () => ["--landlock-read", "/x"]).flat();
    const done = runToEnd([cellinit, "seal", ...paths, "--", "true"]);
    expect(done.stderr).toContain('too many paths, argument "--landlock-read"');
    expect(runToEnd([cellinit, "seal", ...paths.slice(2), "--", "true"]).stderr).toContain(
      "missing argument",
    );
  });

  const rounds = process.env["WORKCELL_FUZZ_ROUNDS"] ?? "1500";
  test.each(["go", "exec", "arguments"])("fuzzed under the sanitizers: %s", (parser) => {
    const fuzzer = path.join(place.path, "fuzz");
    const parts = sources.filter((source) => path.basename(source) !== "main.c");
    const harness = path.join(root, "test/fixtures/fuzz-cellinit.c");
    compile(fuzzer, { words: sanitizing, sources: [harness, ...parts] });
    const seed = `${Date.now()}`;
    const done = runToEnd([fuzzer, parser, seed, rounds], { timeout: 600_000 });
    expect({ seed, ...done }).toEqual({ seed, status: 0, signal: null, stdout: "", stderr: "" });
  });
});
