/**
 * @typedef {object} VitestReport what Vitest's JSON reporter writes, as far as it is used here
 * @property {{ status: string, assertionResults: readonly { status: string }[] }[]} testResults
 */

/**
 * Counts tests over several rounds. A file that could not be loaded has no tests of its own and counts as one failed.
 * @param {readonly VitestReport[]} reports
 */
export function addUp(reports) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const file of reports.flatMap((report) => report.testResults)) {
    if (file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed")) {
      totals.failed += 1;
    }
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
