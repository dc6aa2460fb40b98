#!/usr/bin/env node
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findProgram, runProgram } from "./setup/run-program.mjs";
import { ending, Stop } from "./setup/stop.mjs";

/** In order of preference: against musl a program is 34 kB, against glibc 690 kB. */
const compilers = ["musl-gcc", "gcc", "cc", "clang"];

/** Static, so that a program runs in any mount namespace; without PIE, which musl-gcc cannot link statically. */
const flags = [
  ...["-std=c11", "-Os", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"],
  ...["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"],
  // Tables for unwinding are of no use to C without exceptions, and a seventh of a program.
  ...["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"],
  ...["-ffunction-sections", "-fdata-sections", "-static", "-s"],
  // Each part on pages of its own would fill a fifth of a program with nothing, which a start then reads.
  ...["-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code"],
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

/**
 * What a program is made from.
 * @typedef {object} Program
 * @property {string} name
 * @property {string[]} sources handed to the compiler
 * @property {string[]} headers that any of them may include
 */

/**
 * What the sources take from other programs' folders: `#include "../OTHER/NAME.h"` brings NAME.c there with it.
 * @param {readonly string[]} sources
 */
function borrowed(sources) {
  const bases = sources.flatMap((source) =>
    [...readFileSync(source, "utf8").matchAll(/^#include "(\.\.\/[^"/]+\/[^"/]+)\.h"$/gm)].map(
      ([, base = ""]) => path.join(path.dirname(source), base),
    ),
  );
  return [...new Set(bases)].sort();
}

/**
 * The programs of native/: NAME.c is one, and so is a folder NAME of several. A header beside them belongs to all.
 * @param {string} folder
 * @returns {Program[]}
 */
export function findPrograms(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const ending = (/** @type {string} */ parent, /** @type {string} */ end) =>
    readdirSync(parent)
      .filter((name) => name.endsWith(end))
      .sort()
      .map((name) => path.join(parent, name));
  const shared = ending(folder, ".h");
  const single = ending(folder, ".c").map((file) => ({
    name: path.basename(file, ".c"),
    sources: [file],
    headers: shared,
  }));
  const several = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const own = ending(path.join(folder, name), ".c");
      const others = borrowed(own);
      const headers = [...shared, ...ending(path.join(folder, name), ".h")];
      const beside = others.flatMap((base) => ending(path.dirname(base), ".h"));
      return {
        name,
        sources: [...own, ...others.map((base) => `${base}.c`).filter((file) => existsSync(file))],
        headers: [...headers, ...new Set(beside)],
      };
    })
    .filter(({ sources }) => sources.length > 0);
  return [...single, ...several].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param {Program} program @param {{ file: string, version: string }} compiler */
function keyOf({ sources, headers }, { file, version }) {
  const hash = createHash("sha256");
  for (const source of [...sources, ...headers])
    hash.update(`${path.basename(source)}\0${readFileSync(source, "utf8")}\0`);
  return hash.update([file, version, ...flags].join("\0")).digest("hex");
}

/** What a start holds the program against. @param {string} program */
const hashOf = (program) => `${createHash("sha256").update(readFileSync(program)).digest("hex")}\n`;

/** The key a program was built from lies beside it, written last: an interrupted build has none, or an old one. */
function isUpToDate(/** @type {string} */ program, /** @type {string} */ key) {
  try {
    return (
      statSync(program).size > 0 &&
      readFileSync(`${program}.sha256`, "utf8") === hashOf(program) &&
      readFileSync(`${program}.built-from`, "utf8") === key
    );
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

/** @param {Program} made @param {string} program @returns {Promise<BuiltProgram>} */
async function compile(made, program) {
  const { name, sources } = made;
  /** @type {string[]} */
  const said = [];
  for (const compiler of await findCompilers()) {
    const key = keyOf(made, compiler);
    const built = () => ({ name, file: program, bytes: statSync(program).size, compiler: compiler.name });
    if (isUpToDate(program, key)) return { ...built(), fresh: false };
    const isMade = await replace(program, async (temporary) => {
      const { code, stderr } = await runProgram(compiler.file, [...flags, "-o", temporary, ...sources]);
      if (code !== 0) said.push(`${compiler.file} ended with ${code}:`, stderr.trim());
      return code === 0;
    });
    if (!isMade) continue;
    for (const [ending, content] of [
      ["sha256", hashOf(program)],
      ["built-from", key],
    ]) {
      await replace(`${program}.${ending}`, (temporary) => {
        writeFileSync(temporary, content ?? "");
        return true;
      });
    }
    return { ...built(), fresh: true };
  }
  throw new Stop(
    said.length === 0
      ? `Cannot build "${name}": none of ${compilers.join(", ")} is on PATH; one is needed.`
      : `Cannot build "${name}": no compiler of this machine links it statically without a warning.`,
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
 * Compiles every program of native/ into OUT/NAME, where that is not done already.
 * @param {{ root: string, out: string, only?: readonly string[] }} options absolute paths; `only` names programs
 */
export async function buildNative({ root, out, only = [] }) {
  const programs = findPrograms(path.join(root, "native"));
  mkdirSync(out, { recursive: true });
  sweep(out);
  const built = [];
  for (const program of programs)
    if (only.length === 0 || only.includes(program.name))
      built.push(await compile(program, path.join(out, program.name)));
  return built;
}

/** `build-native.mjs [OUT [NAME...]]`; OUT is dist/native when it is left out, and every program is built. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ending(async () => {
    const root = path.resolve(import.meta.dirname, "..");
    const [, , folder, ...only] = process.argv;
    const out = path.resolve(folder ?? path.join(root, "dist/native"));
    for (const { file, bytes, compiler, fresh } of await buildNative({ root, out, only }))
      process.stdout.write(`${file}  ${bytes} bytes, ${compiler}${fresh ? "" : ", up to date"}\n`);
    return 0;
  });
}
