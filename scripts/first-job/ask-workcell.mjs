import { runProgram } from "../setup/run-program.mjs";
import { Stop } from "../setup/stop.mjs";

/** @typedef {{ title: string, status: "ok" | "weaker" | "missing", found: string, remedy: string }} Check */

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
 * What the doctor found, in one line; stops where a promise has nothing to rest on.
 * @param {string} workcell
 * @returns {Promise<string>}
 */
export async function askDoctor(workcell) {
  /** @type {{ summary: string, checks: readonly Check[] }} */
  const { summary, checks } = await ask(workcell, ["doctor", "--json"]);
  const missing = checks.filter((check) => check.status === "missing");
  if (missing.length === 0) return summary;
  throw new Stop(
    `This machine cannot hold what Workcell promises: ${summary}`,
    ...missing.flatMap(({ title, found, remedy }) => [`${title}: ${found}`, `  remedy: ${remedy}`]),
  );
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
