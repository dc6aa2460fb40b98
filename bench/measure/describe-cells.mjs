import { machineLine } from "./machine.mjs";
import { tableLines } from "./table.mjs";

const MIB = 1024 * 1024;
const mib = (/** @type {number} */ bytes) => (bytes / MIB).toFixed(2);
const tenths = (/** @type {number} */ value) => value.toFixed(1);
const seconds = (/** @type {number} */ ms) => (ms / 1000).toFixed(1);

/** @param {readonly import("./judge-cells.mjs").OutputRow[]} rows */
const outputTable = (rows) =>
  tableLines([
    ["first output, ms", "min", "median", "p95", "/ no sandbox"],
    ...rows.map((row) => [
      row.what,
      ...[row.minMs, row.medianMs, row.p95Ms].map(tenths),
      row.ratioToSpawn.toFixed(2),
    ]),
  ]);

/** @param {readonly import("./judge-cells.mjs").RateRow[]} rows */
const rateTable = (rows) =>
  tableLines([
    ["started and ended", "a second", "processes", "at a time"],
    ...rows.map((row) => [
      row.what,
      tenths(row.perSecond),
      String(row.residents),
      String(row.residents * row.lanes),
    ]),
  ]);

/** @param {readonly import("./judge-cells.mjs").MemoryRow[]} rows */
const memoryTable = (rows) =>
  tableLines([
    ["each of 50 idle, MiB", "own", "in processes", "the command", "in the starter", "host has less"],
    ...rows.map((row) => [
      row.what,
      mib(row.bytes),
      tenths(row.processes),
      ...[row.commandBytes, row.residentBytes, row.hostBytes].map(mib),
    ]),
  ]);

/** @param {import("./judge-cells.mjs").Live | undefined} live */
function liveLines(live) {
  if (live === undefined) return [];
  const { count, lived, answered, startMs, answerMs, endMs, processes, left } = live;
  const all = lived === count ? `${count}` : `${lived} of ${count}, for the time was up,`;
  return [
    "",
    `${all} live cells, direct: started in ${seconds(startMs)} s, ${answered} answered through their gate in ${seconds(answerMs)} s, ended in ${seconds(endMs)} s`,
    `  each idle one ${mib(live.bytesEach)} MiB of its own, besides its command's ${mib(live.commandBytesEach)} MiB, in ${processes} processes`,
    `  the starter ${mib(live.residentBytes)} MiB; the host had ${mib(live.hostBytes)} MiB less`,
    `  left over: ${left.length === 0 ? "nothing" : left.slice(0, 5).join(", ")}`,
  ];
}

/**
 * What a person reads.
 * @param {{
 *   machine: ReturnType<typeof import("./machine.mjs").readMachine>, loadAfter: number, rounds: number,
 *   leftOut: readonly { what: string, why: string }[],
 *   output: readonly import("./judge-cells.mjs").OutputRow[],
 *   rate: readonly import("./judge-cells.mjs").RateRow[],
 *   memory: readonly import("./judge-cells.mjs").MemoryRow[],
 *   live: import("./judge-cells.mjs").Live | undefined,
 *   holds: readonly import("./judge-start.mjs").Hold[],
 * }} result
 * @returns {string[]}
 */
export function describeCells({ machine, loadAfter, rounds, leftOut, holds, ...measured }) {
  return [
    `Machine  ${machineLine(machine)} (at the end ${loadAfter.toFixed(2)})`,
    `Rounds   ${rounds} of each for the first output, interleaved, from one process that stays; all of Workcell's layers on`,
    "",
    ...outputTable(measured.output),
    "",
    ...rateTable(measured.rate),
    "",
    ...memoryTable(measured.memory),
    ...liveLines(measured.live),
    "",
    ...leftOut.map(({ what, why }) => `${what} left out: ${why}`),
    ...holds.map(
      ({ holds, what, limit, unit, measured }) =>
        `${holds ? "holds" : "fails"}  ${what} ${limit} ${unit}; measured ${Number(measured.toFixed(2))}`,
    ),
  ];
}
