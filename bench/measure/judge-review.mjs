import { spreadOf } from "./statistics.mjs";

/** What review may cost a workload, beside the same one on a folder that is written live. */
const MOST_RATIO = 1.1;
/** For 10,000 files, in `s`. */
const MOST_SECONDS = 2;

/** @typedef {{ id: string, what: string, minS: number, medianS: number, p95S: number }} Row */
/** @typedef {{ what: string, unit: string, limit: number, measured: number, holds: boolean }} Hold */

/**
 * @param {readonly { id: string, what: string, seconds: readonly number[] }[]} times
 * @returns {Row[]}
 */
export function reviewRows(times) {
  return times.map(({ id, what, seconds }) => {
    const { min, median, p95 } = spreadOf(seconds);
    return { id, what, minS: min, medianS: median, p95S: p95 };
  });
}

/**
 * What Workcell promises of review. Where a row is missing nothing holds: every comparison with NaN is false.
 * @param {readonly Row[]} rows
 * @returns {Hold[]}
 */
export function reviewHolds(rows) {
  const median = (/** @type {string} */ id) => rows.find((row) => row.id === id)?.medianS ?? Number.NaN;
  const ratio = median("review") / median("rw");
  const most = (/** @type {string} */ id, /** @type {string} */ what) => ({
    ...{ what, unit: "s", limit: MOST_SECONDS, measured: median(id), holds: median(id) <= MOST_SECONDS },
  });
  return [
    {
      what: "npm ci and npm test in review take as long as live at most",
      unit: "times",
      limit: MOST_RATIO,
      measured: ratio,
      holds: ratio <= MOST_RATIO,
    },
    most("diff", "workcell diff of 10,000 files takes at most"),
    most("apply", "workcell apply of 10,000 files takes at most"),
  ];
}
