import process from "node:process";
import { makePage } from "../../scripts/setup/page.mjs";

/** @typedef {{ holds: boolean, what: string, limit: number, unit: string, measured: number }} Hold */

/**
 * One line a hold: whether it does, and what was measured.
 * @param {readonly Hold[]} holds
 * @param {(value: number) => string} written
 */
export const holdLines = (holds, written) =>
  holds.map(
    ({ holds, what, limit, unit, measured }) =>
      `${holds ? "holds" : "fails"}  ${what} ${limit} ${unit}; measured ${written(measured)}`,
  );

/**
 * Measures and says what came of it, as lines or as JSON; returns the exit code: 1 where something does not hold.
 * @template {{ holds: readonly Hold[] }} Result
 * @param {object} bench
 * @param {{ rounds: number, json: boolean, help: boolean }} bench.options
 * @param {string} bench.usage
 * @param {(rounds: number, pending: (what: string) => void) => Promise<Result>} bench.measure
 * @param {(result: Result) => readonly string[]} bench.resultLines
 */
export async function sayMeasured({ options: { rounds, json, help }, usage, measure, resultLines }) {
  const page = makePage(process.stdout, process.env);
  if (help) {
    page.line(usage);
    return 0;
  }
  const result = await measure(rounds, json ? () => {} : page.pending);
  page.line(json ? JSON.stringify(result, null, 2) : resultLines(result).join("\n"));
  return result.holds.every(({ holds }) => holds) ? 0 : 1;
}
