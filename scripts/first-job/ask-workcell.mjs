import { runProgram } from "../setup/run-program.mjs";
import { Stop } from "../setup/stop.mjs";

/** @typedef {{ title: string, status: "ok" | "weaker" | "missing", found: string, remedy: string, without: string }} Check */

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

/** @param {string} workcell @returns {Promise<readonly Check[]>} */
export async function askDoctor(workcell) {
  const said = await ask(workcell, ["doctor", "--json"]);
  return Array.isArray(said) ? said : said.checks;
}

/**
 * Writes the environment report of the profile to a file.
 * @param {string} workcell
 * @param {string} file
 * @returns {Promise<string>} its rows, counted by status
 */
export async function askReport(workcell, file) {
  const words = ["report", "--profile", "cowork", "--output", file];
  const { code, stderr } = await runProgram(workcell, words);
  const counted = /^workcell: (\d+ match\b.*)$/m.exec(stderr)?.[1];
  if (code !== 0 || counted === undefined)
    throw new Stop(`workcell report ended with ${code}:`, stderr.trim());
  return counted;
}

/**
 * How many decisions the log holds of one session, and whether the whole chain is as it was written.
 * @param {string} workcell
 * @param {string} session
 */
export async function askAudit(workcell, session) {
  const [verdict, listed] = await Promise.all([
    ask(workcell, ["audit", "--verify", "--json"]),
    runProgram(workcell, ["audit", "--json", "--session", session]),
  ]);
  /** @type {readonly { decision: string }[]} */
  const lines = listed.stdout
    .trimEnd()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const refused = lines.filter((line) => line.decision === "deny").length;
  return { decisions: lines.length, refused, intact: verdict.intact === true };
}
