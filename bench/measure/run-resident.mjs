import path from "node:path";
import { runProgram } from "../../scripts/setup/run-program.mjs";
import { Stop } from "../../scripts/setup/stop.mjs";

/** No measure of one resident takes half of it. */
const HANGS_MS = 600_000;

/**
 * Builds the resident process for one Node; what it needs of Workcell's installation lies there already.
 * @param {string} node
 * @param {string} folder
 */
export async function buildResident(node, folder) {
  const file = path.join(folder, "resident.mjs");
  const { code, stderr } = await runProgram(node, [
    path.join(import.meta.dirname, "build-resident.mjs"),
    file,
  ]);
  if (code !== 0) throw new Stop("Cannot build the resident process:", stderr.trim());
  return file;
}

/** What a program said, or else the error that it met; a stack is for nobody. @param {string} stderr */
function firstWords(stderr) {
  const lines = stderr.split("\n").map((line) => line.trim());
  const stack = lines.findIndex((line) => /^file:\/\/|^node:/.test(line));
  const said = lines.slice(0, stack === -1 ? undefined : stack).filter(Boolean);
  const error = lines.find((line) => /^(\w*Error|\w+ \[\w+\]):/.test(line));
  return [...said.slice(-2), ...(error === undefined ? [] : [error])].join("; ");
}

/**
 * @typedef {object} Resident
 * @property {string} node
 * @property {string} file
 * @property {import("./surroundings.mjs").Surroundings} surroundings
 */

/**
 * Has a resident process measure, and returns what it measured, or why it could not.
 * @param {Resident} resident
 * @param {object} task
 */
export async function tryResident({ node, file, surroundings: { cwd, env } }, task) {
  const words = [file, JSON.stringify(task)];
  const { code, stdout, stderr } = await runProgram(node, words, { cwd, env, timeoutMs: HANGS_MS });
  if (code !== 0) return { failure: firstWords(stderr) };
  return { measured: JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") };
}

/** @param {Resident} resident @param {{ measure: string }} task */
export async function runResident(resident, task) {
  const { measured, failure } = await tryResident(resident, task);
  if (failure === undefined) return measured;
  throw new Stop(`Cannot measure ${task.measure} from a resident process:`, failure);
}
