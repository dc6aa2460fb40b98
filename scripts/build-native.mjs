#!/usr/bin/env node
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findProgram, runProgram } from "./setup/run-program.mjs";
import { ending, Stop } from "./setup/stop.mjs";

/** In order of preference: against musl a program is 34 kB, against glibc 690 kB. */
const compilers = ["musl-gcc", "gcc", "cc", "clang"];

/** Static, so that a program runs in any mount namespace; without PIE, which musl-gcc cannot link statically. */
const flags = [
  ...["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"],
  ...["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"],
  ...["-ffunction-sections", "-fdata-sections", "-static", "-s"],
  ...["-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack"],
];

const ABANDONED_MS = 10 * 60_000;

/**
 * @typedef {object} BuiltProgram
 * @property {string} name
 * @property {string} file
 * @property {number} bytes
 * @property {string} compiler name of the one that made it
 * @property {boolean} fresh false when the program was up to date already
 */

/** The compilers of this machine, best first, each with what tells it from another version of itself. */
async function findCompilers() {
  const found = [];
  for (const name of compilers) {
    const file = findProgram(name);
    if (file === undefined) continue;
    const { code, stdout } = await runProgram(file, ["--version"]);
    if (code === 0) found.push({ name, file, version: stdout.split("\n")[0] ?? "" });
  }
  return found;
}

/** @param {string} source @param {{ file: string, version: string }} compiler */
function keyOf(source, { file, version }) {
  const made = [readFileSync(source, "utf8"), file, version, ...flags];
  return createHash("sha256").update(made.join("\0")).digest("hex");
}

/** The key a program was built from lies beside it, written after it: an interrupted build has none, or an old one. */
function isUpToDate(/** @type {string} */ program, /** @type {string} */ key) {
  try {
    return statSync(program).size > 0 && readFileSync(`${program}.built-from`, "utf8") === key;
  } catch {
    return false;
  }
}

/**
 * Writes a file in one step: whoever opens it sees all of the old one or all of the new one.
 * @param {string} file
 * @param {(temporary: string) => Promise<boolean> | boolean} make
 */
async function replace(file, make) {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const made = await make(temporary);
    if (made) renameSync(temporary, file);
    return made;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @param {string} source @param {string} program @returns {Promise<BuiltProgram>} */
async function compile(source, program) {
  const name = path.basename(program);
  /** @type {string[]} */
  const said = [];
  for (const compiler of await findCompilers()) {
    const key = keyOf(source, compiler);
    const built = () => ({ name, file: program, bytes: statSync(program).size, compiler: compiler.name });
    if (isUpToDate(program, key)) return { ...built(), fresh: false };
    const made = await replace(program, async (temporary) => {
      const { code, stderr } = await runProgram(compiler.file, [...flags, "-o", temporary, source]);
      if (code !== 0) said.push(`${compiler.file} ended with ${code}:`, stderr.trim());
      return code === 0;
    });
    if (!made) continue;
    await replace(`${program}.built-from`, (temporary) => {
      writeFileSync(temporary, key);
      return true;
    });
    return { ...built(), fresh: true };
  }
  throw new Stop(
    said.length === 0
      ? `Cannot build "${source}": none of ${compilers.join(", ")} is on PATH; one is needed.`
      : `Cannot build "${source}": no compiler of this machine links it statically without a warning.`,
    "Install one: apt-get install -y musl-tools libc6-dev   (Fedora: dnf install -y gcc glibc-static; Alpine: apk add gcc musl-dev)",
    ...said,
  );
}

/** What builds that were killed left behind; one of another build that still runs is younger. */
function sweep(/** @type {string} */ out) {
  for (const name of readdirSync(out).filter((name) => name.endsWith(".tmp"))) {
    const file = path.join(out, name);
    const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > ABANDONED_MS) rmSync(file, { force: true });
  }
}

/**
 * Compiles every native/NAME.c into OUT/NAME, where that is not done already.
 * @param {{ root: string, out: string }} options absolute paths
 */
export async function buildNative({ root, out }) {
  const folder = path.join(root, "native");
  const sources = readdirSync(folder).filter((name) => name.endsWith(".c"));
  mkdirSync(out, { recursive: true });
  sweep(out);
  const built = [];
  for (const source of sources.sort())
    built.push(await compile(path.join(folder, source), path.join(out, source.slice(0, -2))));
  return built;
}

/** `build-native.mjs [OUT]`; OUT is dist/native when it is left out. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ending(async () => {
    const root = path.resolve(import.meta.dirname, "..");
    const out = path.resolve(process.argv[2] ?? path.join(root, "dist/native"));
    for (const { file, bytes, compiler, fresh } of await buildNative({ root, out }))
      process.stdout.write(`${file}  ${bytes} bytes, ${compiler}${fresh ? "" : ", up to date"}\n`);
    return 0;
  });
}
