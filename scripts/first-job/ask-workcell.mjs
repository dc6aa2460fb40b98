import { writeFileSync } from "node:fs";
import { runProgram } from "../setup/run-program.mjs";
import { Stop } from "../setup/stop.mjs";

/** @typedef {{ title: string, status: "ok" | "weaker" | "missing", found: string, remedy: string, without: string }} Check */
/** @typedef {{ id: string, status: string, observed: string }} Row */

/**
 * What one of Workcell's own commands says as JSON.
 * @param {string} workcell
 * @param {readonly string[]} words
 */
async function ask(workcell, words) {
  const done = await runProgram(workcell, words);
  try {
    return JSON.parse(done.stdout);
  } catch {
    throw new Stop(`workcell ${words.join(" ")} ended with ${done.code}:`, done.stderr.trim());
  }
}

/**
 * The doctor's checks in one line: how many are fine, and what of the others.
 * @param {readonly Check[]} checks
 */
export function summarizeChecks(checks) {
  const weaker = checks.filter((check) => check.status !== "ok");
  const count = `${checks.length - weaker.length} of ${checks.length} fine`;
  return [count, ...weaker.map((check) => `${check.title}: ${check.found}`)].join("; ");
}

/**
 * The report's rows in one line.
 * @param {readonly Row[]} rows
 */
export function countRows(rows) {
  const count = (/** @type {(row: Row) => boolean} */ test) => rows.filter(test).length;
  const notBuilt = count((row) => row.status === "unknown" && row.observed.startsWith("not built"));
  const unknown = count((row) => row.status === "unknown") - notBuilt;
  return [
    `${count((row) => row.status === "match")} match`,
    `${count((row) => row.status === "differs")} differ`,
    `${count((row) => row.status === "host")} host`,
    `${count((row) => row.status === "not-applicable")} not applicable`,
    `${notBuilt} not built`,
    ...(unknown > 0 ? [`${unknown} not observed`] : []),
  ].join(" · ");
}

/** @param {string} workcell @returns {Promise<readonly Check[]>} */
export async function askDoctor(workcell) {
  const said = await ask(workcell, ["doctor", "--json"]);
  return Array.isArray(said) ? said : said.checks;
}

/**
 * The environment report of the profile: its rows, and the document written to a file.
 * @param {string} workcell
 * @param {string} file
 * @returns {Promise<readonly Row[]>}
 */
export async function askReport(workcell, file) {
  const words = ["report", "--profile", "cowork", "--format"];
  const { rows } = await ask(workcell, [...words, "json"]);
  const document = await runProgram(workcell, [...words, "markdown"]);
  if (document.code !== 0) throw new Stop("workcell report failed:", document.stderr.trim());
  writeFileSync(file, document.stdout);
  return rows;
}

/**
 * What the whole log holds of one session, and whether the chain is as it was written.
 * @param {string} workcell
 * @param {string} session
 */
export async function askAudit(workcell, session) {
  const verified = await runProgram(workcell, ["audit", "--verify"]);
  /** @type {readonly { decision: string }[]} */
  const lines = await ask(workcell, ["audit", "--json", "--session", session]);
  const refused = lines.filter((line) => line.decision === "deny").length;
  return { decisions: lines.length, refused, intact: verified.code === 0 };
}
