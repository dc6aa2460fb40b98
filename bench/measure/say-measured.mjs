import process from "node:process";
import { parseArgs } from "node:util";
import { makePage } from "../../scripts/setup/page.mjs";
import { Stop } from "../../scripts/setup/stop.mjs";

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
 * What a bench is asked for: how often each is run, and in what form it is told.
 * @param {string} usage
 * @param {{ usual: number, most: number }} rounds
 */
export function readRounds(usage, { usual, most }) {
  const options = {
    rounds: { type: /** @type {const} */ ("string"), default: `${usual}` },
    json: { type: /** @type {const} */ ("boolean"), default: false },
    help: { type: /** @type {const} */ ("boolean"), default: false },
  };
  try {
    const { values } = parseArgs({ options });
    const rounds = /^\d+$/.test(values.rounds) ? Number(values.rounds) : 0;
    if (rounds >= 1 && rounds <= most) return { ...values, rounds };
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error), "", usage);
  }
  throw new Stop(`Cannot read --rounds: a whole number from 1 to ${most} is needed.`, "", usage);
}

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
