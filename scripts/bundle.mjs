import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { esbuild, loadLate, versionOf } from "./bundle/esbuild.mjs";
import { bundleNoting, bundleParts } from "./bundle/parts.mjs";
import { partCount, removeEarlier, splitByUse, writeCaches, writeProgram } from "./bundle/program.mjs";

/**
 * Bundles the program, its loader and the observer into the folder `out`, which holds `native/` already if a start is
 * to be tried whole. CommonJS and few files: Node's loader of ES modules costs more than all that Workcell does.
 * @param {string} root
 * @param {string} out
 */
export async function bundleWorkcell(root, out) {
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, "package.json"), '{ "type": "commonjs" }\n');
  // It runs inside a cell, from its text.
  await esbuild({
    absWorkingDir: root,
    entryPoints: ["src/observe/observer.ts"],
    format: "esm",
    outfile: path.join(out, "observer.js"),
  });
  await bundleAgent(root, out);
  const { text, files } = await bundleNoting(root);
  const partOf = splitByUse(out, text);
  const name = writeProgram(out, await bundleParts(root, { files, partOf, count: partCount }));
  writeCaches(out, name);
  removeEarlier(out, name);
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
