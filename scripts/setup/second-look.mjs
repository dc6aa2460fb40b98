import path from "node:path";
import { failedLines } from "./test-totals.mjs";

/** @typedef {import("./test-totals.mjs").VitestReport} VitestReport */

/** More than so many failed files are no coincidence. */
const most = 3;

/**
 * The failed files that may be run once more by themselves: tests of real cells share two cores with two more, and one may
 * wait in vain for a machine that was busy with the others. None of them when a file among them holds a promise: an attempt that
 * succeeds once has succeeded.
 * @param {VitestReport} report
 * @param {string} root absolute path of the checkout
 */
export function againAlone(report, root) {
  const failed = report.testResults.filter(({ status }) => status === "failed").map(({ name }) => name);
  const security = path.join(root, "test/security") + path.sep;
  return failed.length > most || failed.some((file) => file.startsWith(security)) ? [] : failed;
}

/**
 * A report with what a second run says of some of its files.
 * @param {VitestReport} report
 * @param {VitestReport} second
 * @returns {VitestReport}
 */
export function withSecond(report, second) {
  const again = new Map(second.testResults.map((file) => [file.name, file]));
  return { testResults: report.testResults.map((file) => again.get(file.name) ?? file) };
}

/**
 * A line for each test that failed beside others and passed alone. They are listed, so that nobody takes them for sound.
 * @param {VitestReport} first
 * @param {VitestReport} second
 * @param {string} root
 */
export function unsteadyLines(first, second, root) {
  const passed = new Set(
    second.testResults.filter(({ status }) => status === "passed").map(({ name }) => name),
  );
  const testResults = first.testResults.filter(({ name }) => passed.has(name));
  return failedLines([{ testResults }], root).map((line) => line.replace("failed  ", "unsteady  "));
}
