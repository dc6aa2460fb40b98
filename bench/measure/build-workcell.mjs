import { cpSync, mkdirSync } from "node:fs";
import path from "node:path";
import { bundleWorkcell } from "../../scripts/bundle.mjs";

/**
 * Builds Workcell into a folder with the Node that runs this: the build holds a code cache, which serves only the Node
 * that made it. The checkout's own build is left as it is, and lends its native programs.
 */
const [out = ""] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, "../..");
mkdirSync(out, { recursive: true });
cpSync(path.join(root, "bin"), path.join(out, "bin"), { recursive: true });
cpSync(path.join(root, "dist/native"), path.join(out, "dist/native"), { recursive: true });
await bundleWorkcell(root, path.join(out, "dist"));
