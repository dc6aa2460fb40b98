#!/usr/bin/env node
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildNative } from "./build-native.mjs";
import { esbuild } from "./bundle/esbuild.mjs";
import { bundleWorkcell } from "./bundle.mjs";
import { writeExample } from "./example-file.mjs";
import { writeStamp } from "./setup/source-stamp.mjs";
import { ending } from "./setup/stop.mjs";

/** A build that was interrupted leaves its folder; one of this age belongs to nobody any more. */
const ABANDONED_MS = 10 * 60_000;

/** @param {string} file @param {number} ms */
const isOlderThan = (file, ms) => Date.now() - statSync(file).mtimeMs > ms;

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
    format: "esm",
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
 * The program carries a hash in its name and comes first, `workcell.js`, which names it, last: at every moment the one
 * finds the other, and stopping half-way leaves a build that works.
 * @param {string} made
 * @param {string} dist
 */
function publish(made, dist) {
  const files = filesIn(made).filter((name) => name !== "native");
  for (const name of files.sort((a, b) => Number(a === "workcell.js") - Number(b === "workcell.js")))
    renameSync(path.join(made, name), path.join(dist, name));
  const superseded = filesIn(dist).filter((name) => /^main-/.test(name) && !files.includes(name));
  // A start that has read the old workcell.js reads the old program within milliseconds.
  for (const name of superseded)
    if (isOlderThan(path.join(dist, name), ABANDONED_MS)) rmSync(path.join(dist, name), { force: true });
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
    // No link to the folder: a cell is not made from a program behind one, and the start that is tried would fail.
    cpSync(path.join(dist, "native"), path.join(made, "native"), {
      recursive: true,
      preserveTimestamps: true,
    });
    await bundleWorkcell(root, made);
    await publishSchema(root, made);
    writeExample(root, made);
    publish(made, dist);
    writeStamp(root);
    const native = programs.map(
      ({ name, bytes, compiler }) => `${name} ${Math.ceil(bytes / 1000)} kB (${compiler})`,
    );
    return ["workcell", "workcell-agent", "observer", ...native].join(", ");
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
