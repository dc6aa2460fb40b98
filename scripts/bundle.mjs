import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { lazyDoors } from "./lazy-doors.mjs";
import { Stop } from "./setup/stop.mjs";

/** @type {import("esbuild").BuildOptions} */
const options = {
  bundle: true,
  platform: "node",
  target: "node20",
  charset: "ascii",
  legalComments: "none",
  sourcemap: false,
  logLevel: "silent",
};

/** @param {import("esbuild").BuildOptions} asked */
export async function esbuild(asked) {
  try {
    return await build({ ...options, ...asked });
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error));
  }
}

/** Modules of Node's that take a millisecond to load and that a start without traffic never calls. */
const lateModules = [
  "crypto",
  "fs/promises",
  "dns",
  "dns/promises",
  "tls",
  "http2",
  "readline",
  "readline/promises",
];

/**
 * Has those modules loaded at the first use of one of their names, wherever they are imported.
 * @type {import("esbuild").Plugin}
 */
const loadLate = {
  name: "load-late",
  setup(builder) {
    const filter = new RegExp(`^node:(${lateModules.join("|")})$`);
    builder.onResolve({ filter }, ({ path: name, namespace }) =>
      namespace === "late" ? { path: name, external: true } : { path: name, namespace: "late" },
    );
    builder.onLoad({ filter: /./, namespace: "late" }, async ({ path: name }) => {
      const names = Object.keys(await import(name)).filter((key) => key !== "default");
      const getters = names.map((key) => `get ${key}() { return require("${name}").${key}; }`);
      return { contents: `module.exports = {\n${getters.join(",\n")}\n};`, loader: "js" };
    });
  },
};

/** Node's modules that have a default name here, with the names that are imported besides: the build misses others. */
const defaultNames = { path: ["posix"], os: ["constants", "homedir"], process: [] };

/**
 * Has one copy of each, where the bundler would copy all their properties for every file that imports them.
 * @type {import("esbuild").Plugin}
 */
const builtin = {
  name: "builtin",
  setup(builder) {
    const filter = new RegExp(`^node:(${Object.keys(defaultNames).join("|")})$`);
    // Whoever asks for it by import() has a name of any kind in mind.
    builder.onResolve({ filter }, ({ path: name, namespace, kind }) =>
      namespace === "builtin" || kind === "dynamic-import"
        ? { path: name, external: true }
        : { path: name, namespace: "builtin" },
    );
    builder.onLoad({ filter: /./, namespace: "builtin" }, ({ path: name }) => {
      const besides = Object.entries(defaultNames).find(([key]) => name === `node:${key}`)?.[1] ?? [];
      const lines = besides.map((one) => `export const ${one} = it.${one};`);
      return {
        contents: [`const it = require("${name}");`, "export default it;", ...lines].join("\n"),
        loader: "js",
      };
    });
  },
};

/** @param {string} root */
function versionOf(root) {
  return JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version;
}

/**
 * The file that `bin/workcell` starts: it reads the program, and V8's code cache for it, so that nothing is compiled
 * on the way to a cell. A cache made by another Node is refused by V8, and then the program is compiled as ever. The
 * program's name holds its hash, so a cache never meets a program that it was not made from.
 * @param {string} name
 */
const loader = (name) => `"use strict";
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");
const filename = __dirname + "/${name}.js";
const source = readFileSync(filename, "latin1");
let cachedData;
try {
  cachedData = readFileSync(__dirname + "/${name}.cache");
} catch {}
const script = new Script(source, { filename, cachedData });
script.runInThisContext()(require, __dirname, filename);
if (process.env.WORKCELL_BUILD_CACHE) {
  process.once("exit", () => require("node:fs").writeFileSync(process.env.WORKCELL_BUILD_CACHE, script.createCachedData()));
}
`;

/** Runs a command in a cell, or as much of that as this machine can, so that the cache knows what a start needs. */
function makeCache(/** @type {string} */ out, /** @type {string} */ name) {
  const place = mkdtempSync(path.join(os.tmpdir(), "workcell-build-"));
  const cache = path.join(place, "cache");
  const env = { PATH: process.env["PATH"], HOME: place, WORKCELL_BUILD_CACHE: cache };
  spawnSync(process.execPath, [path.join(out, "workcell.js"), "run", "--", "true"], {
    cwd: place,
    env,
    stdio: "ignore",
    timeout: 30_000,
  });
  if (existsSync(cache)) writeFileSync(path.join(out, `${name}.cache`), readFileSync(cache));
  rmSync(place, { recursive: true, force: true });
}

/**
 * Bundles the program, its loader and the observer into the folder `out`, which holds `native/` already if a cache is
 * to know a whole start. CommonJS and one file: Node's loader of ES modules costs more than all that Workcell does.
 * @param {string} root
 * @param {string} out
 */
export async function bundleWorkcell(root, out) {
  mkdirSync(out, { recursive: true });
  const { outputFiles = [] } = await esbuild({
    absWorkingDir: root,
    entryPoints: ["src/cli/bin.ts"],
    format: "cjs",
    // A script that is run from its text has no import(): what is loaded late is required late.
    supported: { "dynamic-import": false },
    plugins: [loadLate, builtin, lazyDoors],
    // Every byte of it is read at each start. Names stay, for whoever reads a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    write: false,
    outdir: out,
    define: {
      WORKCELL_VERSION: JSON.stringify(versionOf(root)),
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
  });
  const program = `(function (require, __dirname, __filename) { const module = {}; ${outputFiles[0]?.text}\n})`;
  const name = `main-${createHash("sha256").update(program).digest("hex").slice(0, 16)}`;
  writeFileSync(path.join(out, `${name}.js`), program);
  writeFileSync(path.join(out, "workcell.js"), loader(name));
  writeFileSync(path.join(out, "package.json"), '{ "type": "commonjs" }\n');
  // It runs inside a cell, from its text.
  await esbuild({
    absWorkingDir: root,
    entryPoints: ["src/observe/observer.ts"],
    format: "esm",
    outfile: path.join(out, "observer.js"),
  });
  await bundleAgent(root, out);
  makeCache(out, name);
  removeEarlier(out, name);
}

/** Long after it was replaced, no process loads a program any more. */
const OUT_OF_USE_MS = 10 * 60_000;

/** Takes earlier programs away, but for those that a process may be about to load. */
function removeEarlier(/** @type {string} */ out, /** @type {string} */ name) {
  for (const file of readdirSync(out)) {
    const place = path.join(out, file);
    if (!/^main-[0-9a-f]+\.(js|cache)$/.test(file) || file.startsWith(name)) continue;
    if (Date.now() - statSync(place).mtimeMs > OUT_OF_USE_MS) rmSync(place, { force: true });
  }
}

/**
 * The built-in agent's program, one file that a cell can be shown as it is.
 * @param {string} root
 * @param {string} out
 */
async function bundleAgent(root, out) {
  await esbuild({
    absWorkingDir: root,
    entryPoints: ["src/agent/bin.ts"],
    format: "cjs",
    plugins: [loadLate],
    minifyWhitespace: true,
    outfile: path.join(out, "workcell-agent.js"),
    define: { WORKCELL_VERSION: JSON.stringify(versionOf(root)) },
  });
}
