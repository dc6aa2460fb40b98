#!/usr/bin/env node
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { esbuild } from "./bundle/esbuild.mjs";
import { makeInitramfs } from "./nightly-aarch64/initramfs.mjs";
import { judgeConsole } from "./nightly-aarch64/judge.mjs";
import { fetchKernel } from "./nightly-aarch64/kernel.mjs";
import { findProgram, runProgram } from "./setup/run-program.mjs";
import { ending, Stop } from "./setup/stop.mjs";

/**
 * `npm run test:nightly:aarch64`: cellinit, built for arm64, seals a canary under a kernel of arm64 that an emulator runs: no
 * new privileges, both filters as cells have them, Landlock, capabilities. `--kernel FILE` takes a kernel that is there; else
 * Debian's is fetched. It takes a minute.
 */
const root = path.resolve(import.meta.dirname, "..");
/** By the package of Debian that brings each. */
const needed = { "qemu-system-aarch64": "qemu-system-arm", "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu" };
const HANGS_MS = 300_000;

function checkPrograms() {
  const missing = Object.entries(needed).filter(([program]) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  throw new Stop(
    `Missing: ${missing.map(([program]) => program).join(", ")}. Nothing has been changed.`,
    `Run: apt-get install -y --no-install-recommends ${missing.map(([, name]) => name).join(" ")} libc6-dev-arm64-cross`,
  );
}

/** @param {string} out @param {readonly string[]} sources */
async function compile(out, sources) {
  const words = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", out, ...sources];
  const { code, stderr } = await runProgram("aarch64-linux-gnu-gcc", words);
  if (code !== 0) throw new Stop(`Cannot compile ${path.basename(out)}:`, stderr.trim());
  return out;
}

/** The filters of an arm64 cell, as they are in Workcell. @param {string} folder */
async function filtersOf(folder) {
  const outfile = path.join(folder, "filters.mjs");
  const entryPoints = [path.join(root, "src/plan/seccomp/cell-filters.ts")];
  await esbuild({ entryPoints, format: "esm", outfile });
  const { cellFilters } = await import(pathToFileURL(outfile).href);
  /** @type {{ program: Uint8Array }[]} */
  const filters = cellFilters({ arch: "aarch64", tunnel: "direct" });
  return filters.map(({ program }) => Buffer.from(program));
}

/** @param {string} folder */
async function makeImage(folder) {
  const sources = readdirSync(path.join(root, "native/cellinit")).filter((name) => name.endsWith(".c"));
  const native = sources.map((name) => path.join(root, "native/cellinit", name));
  const fixture = (/** @type {string} */ name) => path.join(root, "test/fixtures", `aarch64-${name}.c`);
  const built = (/** @type {string} */ name) => path.join(folder, name);
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = await filtersOf(folder);
  const files = {
    init: await compile(built("init"), [fixture("init")]),
    canary: await compile(built("canary"), [fixture("canary")]),
    cellinit: await compile(built("cellinit"), native),
    "filter-1": first,
    "filter-2": second,
  };
  const image = built("initramfs");
  writeFileSync(image, makeInitramfs({ folders: ["proc", "tmp", "outside"], files }));
  return image;
}

/** @param {string} kernel @param {string} image */
async function boot(kernel, image) {
  const machine = [
    "-M",
    "virt",
    "-cpu",
    "cortex-a72",
    "-m",
    "512",
    "-nographic",
    "-no-reboot",
    "-nic",
    "none",
  ];
  const line = "console=ttyAMA0 quiet panic=-1 rdinit=/init";
  const words = [...machine, "-kernel", kernel, "-initrd", image, "-append", line];
  return (await runProgram("qemu-system-aarch64", words, { timeoutMs: HANGS_MS })).stdout;
}

/** @returns {Promise<number>} exit code */
async function main() {
  const { values } = parseArgs({ options: { kernel: { type: "string" }, verbose: { type: "boolean" } } });
  checkPrograms();
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-aarch64-"));
  try {
    const fetched = path.join(folder, "kernel");
    mkdirSync(fetched);
    const kernel = values.kernel ?? (await fetchKernel(fetched));
    const said = await boot(path.resolve(kernel), await makeImage(folder));
    if (values.verbose) process.stdout.write(said);
    const verdicts = judgeConsole(said);
    const failed = verdicts.filter(({ holds }) => !holds);
    for (const { what, found } of failed) process.stdout.write(`fails  ${what}: ${found}\n`);
    process.stdout.write(
      `${verdicts.length - failed.length} of ${verdicts.length} hold under ${path.basename(kernel)}\n`,
    );
    return failed.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await ending(main);
