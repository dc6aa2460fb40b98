import { ending } from "../scripts/setup/stop.mjs";
import { startHolds, startRows } from "./measure/judge-start.mjs";
import { machineLine, readMachine } from "./measure/machine.mjs";
import { startRivals } from "./measure/rivals.mjs";
import { holdLines, readRounds, sayMeasured } from "./measure/say-measured.mjs";
import { setUp } from "./measure/set-up.mjs";
import { inSurroundings } from "./measure/surroundings.mjs";
import { tableLines } from "./measure/table.mjs";
import { timeRivals, warmUp } from "./measure/time-rivals.mjs";

const WARM_UPS = 3;

const usage = `Usage: npm run bench:start -- [--rounds N] [--json]

Measures how long \`workcell run -- true\` takes, beside its rivals.

  --rounds N   how often each is run (default 21)
  --json       print the result as JSON

Example: npm run bench:start -- --rounds 51`;

/** @param {number} rounds @param {(what: string) => void} pending */
async function measure(rounds, pending) {
  const installed = await setUp(pending);
  const machine = readMachine(installed.nodeVersion);
  return inSurroundings(installed.node, async (surroundings) => {
    pending("warming up");
    const rivals = await startRivals(installed, surroundings);
    const { running, leftOut } = warmUp(rivals, surroundings, WARM_UPS);
    const rows = startRows(timeRivals(running, surroundings, { rounds, pending }));
    const holds = startHolds(rows);
    return { schema: "workcell.bench-start/1", machine, rounds, warmUps: WARM_UPS, rows, leftOut, holds };
  });
}

const tenths = (/** @type {number} */ value) => value.toFixed(1);

/** @param {Awaited<ReturnType<typeof measure>>} result */
function resultLines({ machine, rounds, warmUps, rows, leftOut, holds }) {
  const cells = rows.map((row) => [
    row.what,
    ...[row.minMs, row.medianMs, row.p95Ms].map(tenths),
    row.ratioToNode.toFixed(2),
    tenths(row.overNodeMs),
  ]);
  return [
    `Machine  ${machineLine(machine)}`,
    `Rounds   ${rounds} of each after ${warmUps} warm-ups, interleaved, in one bare environment; times in ms`,
    "         CA set: with NODE_EXTRA_CA_CERTS, which is unset everywhere else",
    "",
    ...tableLines([["what", "min", "median", "p95", "/ node", "- node"], ...cells]),
    ...leftOut.map(({ what, why }) => `${what} left out: ${why}`),
    "",
    ...holdLines(holds, tenths),
  ];
}

await ending(() =>
  sayMeasured({ options: readRounds(usage, { usual: 21, most: 1000 }), usage, measure, resultLines }),
);
