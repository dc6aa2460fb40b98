import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { makePage } from "../scripts/setup/page.mjs";
import { runProgram } from "../scripts/setup/run-program.mjs";
import { ending, Stop } from "../scripts/setup/stop.mjs";
import { machineLine, readMachine } from "./measure/machine.mjs";
import { buildWith, setUp } from "./measure/set-up.mjs";
import { spreadOf } from "./measure/statistics.mjs";
import { inSurroundings } from "./measure/surroundings.mjs";
import { tableLines } from "./measure/table.mjs";
import { openServer } from "./measure/throughput-server.mjs";

const ROUNDS = 3;
const DOWNLOAD_BYTES = 256_000_000;
const REQUESTS = 4000;
const CONNECTS = 200;
const HANGS_MS = 60_000;

const usage = `Usage: npm run bench:throughput -- [--json]

Measures what goes through a cell's HTTP port, beside no cell at all and sandbox-runtime.

  --json       print the result as JSON

Example: npm run bench:throughput`;

/** @typedef {{ megabytesPerSecond: number, requestsPerSecond: number, msPerConnect: number }} Figures */

/**
 * The same client, each time elsewhere. What each may reach is named in the narrowest way that it has.
 * @param {import("./measure/set-up.mjs").Installed} installed
 * @param {import("./measure/surroundings.mjs").Surroundings} surroundings
 * @param {number} port
 */
async function clients({ node, sandboxRuntime }, { folder }, port) {
  const workcell = await buildWith(node, folder);
  const settings = path.join(folder, "srt.json");
  const network = { allowedDomains: [`127.0.0.1:${port}`], deniedDomains: [] };
  const filesystem = { denyRead: [], allowWrite: [], denyWrite: [] };
  writeFileSync(settings, JSON.stringify({ network, filesystem }));
  const script = path.join(import.meta.dirname, "measure/throughput-client.mjs");
  const client = [node, script, ...[port, DOWNLOAD_BYTES, REQUESTS, CONNECTS].map(String)];
  const allowed = ["-m", `${import.meta.dirname}:ro`, "--allow-host", `127.0.0.1:${port}`];
  return [
    { id: "direct", what: "no cell, no proxy", argv: client },
    { id: "workcell", what: "workcell run, socat", argv: [workcell, "run", ...allowed, "--", ...client] },
    {
      id: "sandbox-runtime",
      what: "sandbox-runtime (srt)",
      argv: [sandboxRuntime, "-s", settings, ...client],
    },
  ];
}

/**
 * @param {readonly string[]} argv
 * @param {import("./measure/surroundings.mjs").Surroundings} surroundings
 * @returns {Promise<Figures>}
 */
async function measureOnce([program = "", ...words], { cwd, env }) {
  const { code, stdout, stderr } = await runProgram(program, words, { cwd, env, timeoutMs: HANGS_MS });
  if (code === 0) return JSON.parse(stdout);
  throw new Stop(`Cannot measure through "${program}": exit code ${code}`, stderr.trim());
}

/** @param {readonly Figures[]} figures @returns {Figures} */
function medians(figures) {
  const of = (/** @type {keyof Figures} */ name) => spreadOf(figures.map((each) => each[name])).median;
  return {
    megabytesPerSecond: of("megabytesPerSecond"),
    requestsPerSecond: of("requestsPerSecond"),
    msPerConnect: of("msPerConnect"),
  };
}

/** @param {(what: string) => void} pending */
async function measure(pending) {
  const installed = await setUp(pending);
  const machine = readMachine(installed.nodeVersion);
  const server = await openServer();
  try {
    return await inSurroundings(installed.node, async (surroundings) => {
      const measured = (await clients(installed, surroundings, server.port)).map((client) => ({
        ...client,
        figures: /** @type {Figures[]} */ ([]),
      }));
      for (let round = 0; round < ROUNDS; round++) {
        for (const { what, argv, figures } of measured) {
          pending(`round ${round + 1} of ${ROUNDS}: ${what}`);
          figures.push(await measureOnce(argv, surroundings));
        }
      }
      const rows = measured.map(({ id, what, figures }) => ({ id, what, ...medians(figures) }));
      return { schema: "workcell.bench-throughput/1", machine, rounds: ROUNDS, rows };
    });
  } finally {
    server.close();
  }
}

/** @param {Awaited<ReturnType<typeof measure>>} result */
function resultLines({ machine, rounds, rows }) {
  const cells = rows.map((row) => [
    row.what,
    row.megabytesPerSecond.toFixed(0),
    row.requestsPerSecond.toFixed(0),
    row.msPerConnect.toFixed(2),
  ]);
  return [
    `Machine  ${machineLine(machine)}`,
    `Rounds   medians of ${rounds}, interleaved: ${DOWNLOAD_BYTES / 1e6} MB down one CONNECT; ${REQUESTS} small requests over 8 of them;`,
    `         ${CONNECTS} times a new one with one request`,
    "",
    ...tableLines([["what", "MB/s", "requests/s", "ms a CONNECT"], ...cells]),
  ];
}

function readOptions() {
  const flag = { type: /** @type {const} */ ("boolean"), default: false };
  try {
    return parseArgs({ options: { json: flag, help: flag } }).values;
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error), "", usage);
  }
}

/** @returns {Promise<number>} exit code */
async function main() {
  const { json, help } = readOptions();
  const page = makePage(process.stdout, process.env);
  if (help) {
    page.line(usage);
    return 0;
  }
  const result = await measure(json ? () => {} : page.pending);
  page.line(json ? JSON.stringify(result, null, 2) : resultLines(result).join("\n"));
  return 0;
}

await ending(main);
