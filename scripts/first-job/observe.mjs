import { existsSync, readFileSync } from "node:fs";
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
 * The lines that the audit log holds of one session so far, from both of its generations.
 * @param {string} state
 * @param {string} session
 * @returns {import("./judge.mjs").AuditLine[]}
 */
export function readAudit(state, session) {
  const log = path.join(state, "audit.jsonl");
  const text = [`${log}.1`, log].map((file) => (existsSync(file) ? readFileSync(file, "utf8") : "")).join("");
  return text
    .split("\n")
    .filter((line) => line.includes(session))
    .map((line) => JSON.parse(line))
    .filter((line) => line.session === session);
}
