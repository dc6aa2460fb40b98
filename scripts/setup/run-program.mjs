import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";

/**
 * @typedef {object} Finished
 * @property {number} code exit code; 127 when the program could not be started, 128 when a signal ended it
 * @property {string} stdout
 * @property {string} stderr
 * @property {number} ms wall time
 */

/**
 * Runs a program to its end without a shell. Output is collected, or shown as it comes with `show`.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, uid?: number, gid?: number, show?: boolean, timeoutMs?: number }} [options]
 * @returns {Promise<Finished>}
 */
export function runProgram(program, args, options = {}) {
  const { show = false, timeoutMs, ...rest } = options;
  const begun = performance.now();
  const output = { stdout: "", stderr: "" };
  const child = spawn(program, args, {
    ...rest,
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
  });
  for (const name of /** @type {const} */ (["stdout", "stderr"])) {
    child[name]?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      output[name] += text;
    });
  }
  return new Promise((resolve) => {
    const finish = (/** @type {number} */ code) =>
      resolve({ code, ...output, ms: performance.now() - begun });
    child.once("error", (error) => {
      output.stderr += error.message;
      finish(127);
    });
    child.once("close", (code) => finish(code ?? 128));
  });
}

/**
 * Where a program lies on PATH, or undefined.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [env]
 */
export function findProgram(name, env = process.env) {
  for (const folder of (env["PATH"] ?? "").split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here; PATH names more folders.
    }
  }
  return undefined;
}
