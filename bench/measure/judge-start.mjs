import { spreadOf } from "./statistics.mjs";

/** Above `node -e 0`, while `standard` uses socat. */
const OVER_NODE_MS = 45;
const TIMES_FASTER = 4;
/** What a busy machine adds to one of two equal medians; where Node reads the file, it takes it 30 ms at the least. */
const CA_FELT_MS = 10;

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} what
 * @property {number} minMs
 * @property {number} medianMs
 * @property {number} p95Ms
 * @property {number} ratioToNode of the medians
 * @property {number} overNodeMs of the medians
 */

/** @typedef {{ what: string, unit: string, limit: number, measured: number, holds: boolean }} Hold */

/**
 * @param {Iterable<[{ id: string, what: string, base: string }, readonly number[]]>} times in ms
 * @returns {Row[]}
 */
export function startRows(times) {
  const spreads = [...times].map(([rival, values]) => ({ rival, ...spreadOf(values) }));
  return spreads.map(({ rival: { id, what, base }, min, median, p95 }) => {
    const node = spreads.find(({ rival }) => rival.id === base)?.median ?? Number.NaN;
    const against = { ratioToNode: median / node, overNodeMs: median - node };
    return { id, what, minMs: min, medianMs: median, p95Ms: p95, ...against };
  });
}

/**
 * What Workcell promises of its start. Where a row is missing nothing holds: every comparison with NaN is false.
 * @param {readonly Row[]} rows
 * @returns {Hold[]}
 */
export function startHolds(rows) {
  const median = (/** @type {string} */ id) => rows.find((row) => row.id === id)?.medianMs ?? Number.NaN;
  const overNode = median("workcell") - median("node");
  const felt = median("own-workcell-ca") - median("own-workcell");
  const faster = median("sandbox-runtime") / median("workcell");
  return [
    {
      what: "workcell run is over node -e 0 by at most",
      unit: "ms",
      limit: OVER_NODE_MS,
      measured: overNode,
      holds: overNode <= OVER_NODE_MS,
    },
    {
      what: "sandbox-runtime takes as long as workcell run at least",
      unit: "times",
      limit: TIMES_FASTER,
      measured: faster,
      holds: faster >= TIMES_FASTER,
    },
    {
      what: "NODE_EXTRA_CA_CERTS adds to workcell run at most",
      unit: "ms",
      limit: CA_FELT_MS,
      measured: felt,
      holds: felt <= CA_FELT_MS,
    },
  ];
}
