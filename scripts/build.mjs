#!/usr/bin/env node
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { buildNative } from "./build-native.mjs";
import { writeStamp } from "./setup/source-stamp.mjs";
import { ending, Stop } from "./setup/stop.mjs";

/**
 * What is built, by its name in dist/. One that is not there yet is left out; without `workcell` nothing is built.
 * The observer is one whole file, for it runs in a cell, which sees no chunk.
 */
const entries = [
  { name: "workcell", source: "src/cli/bin.ts", whole: false },
  { name: "api", source: "src/session/index.ts", whole: false },
  { name: "observer", source: "src/observe/observer.ts", whole: true },
];

/** A running Workcell still loads chunks of the build it started from; for so long after the next build it may. */
const KEEP_OLD_CHUNKS_MS = 7 * 24 * 3_600_000;
/** A build that was interrupted leaves its folder; one of this age belongs to nobody any more. */
const ABANDONED_MS = 10 * 60_000;

const packageVersion = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;

/** @type {import("esbuild").BuildOptions} */
const options = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  chunkNames: "chunks/[name]-[hash]",
  legalComments: "none",
  sourcemap: false,
  logLevel: "silent",
  define: { WORKCELL_VERSION: JSON.stringify(packageVersion) },
};

/** @param {string} file @param {number} ms */
const isOlderThan = (file, ms) => Date.now() - statSync(file).mtimeMs > ms;

/** @param {string} root @param {string} out */
async function bundle(root, out) {
  const present = entries.filter(({ source }) => existsSync(path.join(root, source)));
  if (!present.some(({ name }) => name === "workcell"))
    throw new Stop('Cannot build Workcell: "src/cli/bin.ts" is not there.', "Run it in a whole checkout.");
  for (const alone of [false, true]) {
    const chosen = present.filter(({ whole }) => whole === alone);
    const entryPoints = Object.fromEntries(chosen.map(({ name, source }) => [name, source]));
    if (chosen.length > 0)
      await esbuild({ ...options, splitting: !alone, absWorkingDir: root, entryPoints, outdir: out });
  }
  return present.length;
}

/** @param {import("esbuild").BuildOptions} asked */
async function esbuild(asked) {
  try {
    await build(asked);
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The schema is said once, in TypeScript; here it is run to have it as the file that editors read.
 * @param {string} root
 * @param {string} out
 */
async function publishSchema(root, out) {
  const source = path.join(root, "src/settings/schema.ts");
  if (!existsSync(source)) return;
  const module = path.join(out, "schema.mjs");
  await esbuild({
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
    entryPoints: [source],
    outfile: module,
  });
  const { settingsJsonSchema } = await import(pathToFileURL(module).href);
  rmSync(module);
  writeFileSync(path.join(out, "settings.schema.json"), `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`);
}

/** @param {string} folder @returns {string[]} */
function filesIn(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/**
 * Chunks carry a hash in their names and come first, the entries that import them after, `workcell.js` last: at every
 * moment each entry finds all of its chunks, and stopping half-way leaves a build that works.
 * @param {string} made
 * @param {string} dist
 */
function publish(made, dist) {
  mkdirSync(path.join(dist, "chunks"), { recursive: true });
  const chunks = filesIn(path.join(made, "chunks"));
  const superseded = filesIn(path.join(dist, "chunks")).filter((name) => !chunks.includes(name));
  for (const name of chunks) renameSync(path.join(made, "chunks", name), path.join(dist, "chunks", name));
  const rest = filesIn(made).filter((name) => name !== "chunks");
  for (const name of rest.sort((a, b) => Number(a === "workcell.js") - Number(b === "workcell.js")))
    renameSync(path.join(made, name), path.join(dist, name));
  retire(dist, superseded);
  return chunks.length;
}

/**
 * Takes away chunks that went out of use long ago. The time of going out of use is kept as the file's own time, so it
 * is set once, by the build that replaces the chunk: `current` lists what was in use until then.
 * @param {string} dist
 * @param {readonly string[]} superseded
 */
function retire(dist, superseded) {
  const list = path.join(dist, "chunks.json");
  const before = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
  const now = new Date();
  for (const name of superseded) {
    const file = path.join(dist, "chunks", name);
    if (before.includes(name)) utimesSync(file, now, now);
    else if (isOlderThan(file, KEEP_OLD_CHUNKS_MS)) rmSync(file, { force: true });
  }
  const current = filesIn(path.join(dist, "chunks")).filter((name) => !superseded.includes(name));
  writeFileSync(list, JSON.stringify(current));
}

/** @param {string} dist */
function sweep(dist) {
  for (const name of filesIn(dist).filter((name) => name.startsWith(".build-"))) {
    const folder = path.join(dist, name);
    if (isOlderThan(folder, ABANDONED_MS)) rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds all that runs into ROOT/dist, and says in one line what. @param {string} root */
export async function buildAll(root) {
  const dist = path.join(root, "dist");
  mkdirSync(dist, { recursive: true });
  sweep(dist);
  const made = mkdtempSync(path.join(dist, ".build-"));
  try {
    const programs = await buildNative({ root, out: path.join(dist, "native") });
    const count = await bundle(root, made);
    await publishSchema(root, made);
    const chunks = publish(made, dist);
    writeStamp(root);
    const native = programs.map(
      ({ name, bytes, compiler }) => `${name} ${Math.ceil(bytes / 1000)} kB (${compiler})`,
    );
    return [`entries ${count}, chunks ${chunks}`, ...native].join(", ");
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ending(async () => {
    const begun = performance.now();
    const built = await buildAll(path.resolve(import.meta.dirname, ".."));
    process.stdout.write(`Built dist: ${built}, ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
    return 0;
  });
}
