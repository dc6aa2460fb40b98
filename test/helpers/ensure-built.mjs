import path from "node:path";
import process from "node:process";
import { buildAll } from "../../scripts/build.mjs";
import { isStamped } from "../../scripts/setup/source-stamp.mjs";

const root = path.resolve(import.meta.dirname, "../..");

// Says something only when there was something to do.
if (!isStamped(root)) process.stdout.write(`Built for the tests: ${await buildAll(root)}\n`);
