import { readFileSync } from "node:fs";
import path from "node:path";
import { runProgram } from "../setup/run-program.mjs";

/**
 * The same read as the install script's, by the same code, without a cell. It is run from the checkout: the copy
 * may have been changed from inside.
 * @param {string} root
 * @param {string} key
 */
export async function readOutside(root, key) {
  const program = path.join(root, "examples/first-job/vendor/word-stats/look-for-key.js");
  const done = await runProgram(process.execPath, [program, key]);
  return done.code === 0 ? JSON.parse(done.stdout) : undefined;
}

/**
 * The audit lines of one run, from the copy that `--audit` wrote.
 * @param {string} file
 * @returns {import("./judge.mjs").AuditLine[]}
 */
export function readAuditCopy(file) {
  const text = readFileSync(file, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
