/**
 * @typedef {object} Spread
 * @property {number} min
 * @property {number} median
 * @property {number} p95 nearest rank
 */

/**
 * @param {readonly number[]} values at least one, in any order
 * @returns {Spread}
 */
export function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    p95: at(Math.ceil(sorted.length * 0.95) - 1),
  };
}
