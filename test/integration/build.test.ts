import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makePlace, type Place, runToEnd } from "../helpers/cellhost.ts";

const script = path.resolve(import.meta.dirname, "../../scripts/build-native.mjs");

describe("scripts/build-native.mjs", () => {
  let place: Place;
  let out = "";
  beforeEach(() => {
    place = makePlace();
    out = path.join(place.path, "out");
  });
  afterEach(() => place[Symbol.dispose]());

  const build = (env: NodeJS.ProcessEnv = process.env) =>
    runToEnd([process.execPath, script, out, "cellhost"], { env, timeout: 60_000 });

  /** A PATH with no program on it but those named. */
  const pathWith = (...programs: readonly string[]) => {
    const folder = path.join(place.path, "programs");
    mkdirSync(folder);
    for (const program of programs) symlinkSync(path.join("/usr/bin", program), path.join(folder, program));
    return { PATH: folder };
  };

  test("makes static programs, and leaves nothing else behind", () => {
    expect(build()).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(out).sort()).toEqual(["cellhost", "cellhost.built-from", "cellhost.sha256"]);
    // A dynamic program names the interpreter that loads it, and a cell has no such file at that path for certain.
    expect(readFileSync(path.join(out, "cellhost")).includes("/ld-")).toBe(false);
  });

  test("a program made with musl is at most 64 kB", ({ skip }) => {
    const built = build();
    skip(!built.stdout.includes("musl-gcc"), "musl-gcc is not installed");
    expect(statSync(path.join(out, "cellhost")).size).toBeLessThanOrEqual(64 * 1024);
  });

  test("leaves a program alone that is up to date, and makes it again when its record does not say so", () => {
    build();
    const program = path.join(out, "cellhost");
    const first = statSync(program).ino;
    expect(build().stdout).toContain("up to date");
    expect(statSync(program).ino).toBe(first);
    // As a build leaves it that ended between the program and its record.
    runToEnd(["rm", `${program}.built-from`]);
    expect(build().stdout).not.toContain("up to date");
    expect(statSync(program).ino).not.toBe(first);
    // Nor is one up to date that was altered since.
    appendFileSync(program, "x");
    expect(build().stdout).not.toContain("up to date");
  });

  test("says what to install when there is no compiler", () => {
    const done = build(pathWith());
    expect(done).toMatchObject({ status: 125, stdout: "" });
    expect(done.stderr).toContain("none of musl-gcc, gcc, cc, clang is on PATH");
    expect(done.stderr).toContain("Install one: apt-get install -y musl-tools");
    expect(readdirSync(out)).toEqual([]);
  });

  test("makes do with a compiler against glibc", () => {
    const done = build(pathWith("gcc", "as", "ld"));
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout).toContain(", gcc\n");
    expect(runToEnd([path.join(out, "cellhost"), "probe-seccomp"]).status).toBe(0);
  });
});
