import { mkdirSync } from "node:fs";
import path from "node:path";
import { esbuild } from "../../scripts/bundle/esbuild.mjs";

/**
 * Builds resident.mjs, with the whole line of Workcell that it imports from the sources, into one file. Workcell's own
 * bundle is a command: it has no door for another program.
 */
const [out = ""] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, "../..");
mkdirSync(path.dirname(out), { recursive: true });
await esbuild({
  absWorkingDir: root,
  entryPoints: ["bench/measure/resident.mjs"],
  format: "esm",
  outfile: out,
});
