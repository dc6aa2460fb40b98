import os from "node:os";
import { parseArgs } from "node:util";
import { makePage } from "../scripts/setup/page.mjs";
import { ending, Stop } from "../scripts/setup/stop.mjs";
import { describeCells } from "./measure/describe-cells.mjs";
import { cellHolds } from "./measure/judge-cells.mjs";
import { readMachine } from "./measure/machine.mjs";
import { measureCells } from "./measure/measure-cells.mjs";
import { setUp } from "./measure/set-up.mjs";
import { inSurroundings } from "./measure/surroundings.mjs";

const MOST_ROUNDS = 1000;
const MOST_LIVE = 5000;

const usage = `Usage: npm run bench:cells -- [--rounds N] [--live N] [--json]

Measures cells that a process starts which stays, beside its rivals: time to the first output, cells a second,
memory of an idle one, and many that live at once.

  --rounds N   how often each is started for its first output (default 51)
  --live N     how many cells live at once (default 1000; 0 leaves that out)
  --json       print the result as JSON

Example: npm run bench:cells -- --rounds 101 --live 0`;

/** @param {string} name @param {string} text @param {number} least @param {number} most */
function wholeNumber(name, text, least, most) {
  const number = /^\d+$/.test(text) ? Number(text) : -1;
  if (number >= least && number <= most) return number;
  throw new Stop(`Cannot read ${name}: a whole number from ${least} to ${most} is needed.`, "", usage);
}

function readOptions() {
  const options = {
    rounds: { type: /** @type {const} */ ("string"), default: "51" },
    live: { type: /** @type {const} */ ("string"), default: "1000" },
    json: { type: /** @type {const} */ ("boolean"), default: false },
    help: { type: /** @type {const} */ ("boolean"), default: false },
  };
  try {
    const { values } = parseArgs({ options });
    const rounds = wholeNumber("--rounds", values.rounds, 1, MOST_ROUNDS);
    return { ...values, rounds, live: wholeNumber("--live", values.live, 0, MOST_LIVE) };
  } catch (error) {
    if (error instanceof Stop) throw error;
    throw new Stop(error instanceof Error ? error.message : String(error), "", usage);
  }
}

/** @param {{ rounds: number, live: number, pending: (what: string) => void }} options */
async function measure({ rounds, live, pending }) {
  const installed = await setUp(pending);
  const machine = readMachine(installed.nodeVersion);
  return inSurroundings(installed.node, async (surroundings) => {
    const measured = await measureCells(installed, surroundings, { rounds, live, pending });
    const holds = cellHolds(measured);
    const loadAfter = os.loadavg()[0] ?? 0;
    return { schema: "workcell.bench-cells/1", machine, loadAfter, rounds, ...measured, holds };
  });
}

/** @returns {Promise<number>} exit code */
async function main() {
  const { rounds, live, json, help } = readOptions();
  const page = makePage(process.stdout, process.env);
  if (help) {
    page.line(usage);
    return 0;
  }
  const result = await measure({ rounds, live, pending: json ? () => {} : page.pending });
  page.line(json ? JSON.stringify(result, null, 2) : describeCells(result).join("\n"));
  return result.holds.every(({ holds }) => holds) ? 0 : 1;
}

await ending(main);
