import path from "node:path";
import { stripVTControlCharacters } from "node:util";

/**
 * @typedef {object} VitestReport what Vitest's JSON reporter writes, as far as it is used here
 * @property {FileReport[]} testResults
 *
 * @typedef {object} FileReport
 * @property {string} name the file, absolute
 * @property {string} status
 * @property {string} [message] why it could not be loaded
 * @property {readonly TestReport[]} assertionResults
 *
 * @typedef {object} TestReport
 * @property {string} status
 * @property {readonly string[]} ancestorTitles
 * @property {string} title
 * @property {readonly string[] | null} [failureMessages]
 */

/**
 * A file that could not be loaded has no failed test of its own.
 * @param {FileReport} file
 */
const isBroken = (file) =>
  file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed");

/**
 * Counts tests over several rounds. A file that could not be loaded counts as one failed.
 * @param {readonly VitestReport[]} reports
 */
export function addUp(reports) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const file of reports.flatMap((report) => report.testResults)) {
    if (isBroken(file)) totals.failed += 1;
    for (const { status } of file.assertionResults) {
      if (status === "passed") totals.passed += 1;
      else if (status === "failed") totals.failed += 1;
      else totals.skipped += 1;
    }
  }
  return totals;
}

/** @param {{ passed: number, failed: number, skipped: number }} totals */
export function totalsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** @param {string | undefined} text */
const firstLine = (text) =>
  stripVTControlCharacters(text ?? "")
    .trim()
    .split("\n")[0] || "no message";

/**
 * A line for each failed test, so that the end of a log names them.
 * @param {readonly VitestReport[]} reports
 * @param {string} root what files are named from
 */
export function failedLines(reports, root) {
  return reports
    .flatMap((report) => report.testResults)
    .flatMap((file) => {
      const name = path.relative(root, file.name);
      const failed = file.assertionResults
        .filter((test) => test.status === "failed")
        .map((test) => {
          const title = [...test.ancestorTitles, test.title].join(" > ");
          return `failed  ${name} > ${title}: ${firstLine(test.failureMessages?.[0])}`;
        });
      return isBroken(file) ? [`failed  ${name}: ${firstLine(file.message)}`] : failed;
    });
}
