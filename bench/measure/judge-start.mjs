import { spreadOf } from "./statistics.mjs";

/** Above `node -e 0`, while `standard` uses socat. */
const OVER_NODE_MS = 45;
const TIMES_FASTER = 4;

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

/** @typedef {{ what: string, limit: number, measured: number, holds: boolean }} Hold */

/**
 * @param {Iterable<[{ id: string, what: string }, readonly number[]]>} times in ms; one of the ids is `node`
 * @returns {Row[]}
 */
export function startRows(times) {
  const spreads = [...times].map(([{ id, what }, values]) => ({ id, what, ...spreadOf(values) }));
  const node = spreads.find(({ id }) => id === "node")?.median ?? Number.NaN;
  return spreads.map(({ id, what, min, median, p95 }) => ({
    id,
    what,
    minMs: min,
    medianMs: median,
    p95Ms: p95,
    ratioToNode: median / node,
    overNodeMs: median - node,
  }));
}

/**
 * What Workcell promises of its start. A row that is missing holds nothing: NaN compares as false.
 * @param {readonly Row[]} rows
 * @returns {Hold[]}
 */
export function startHolds(rows) {
  const row = (/** @type {string} */ id) => rows.find((each) => each.id === id);
  const overNode = (/** @type {string} */ id) => row(id)?.overNodeMs ?? Number.NaN;
  const faster = (row("sandbox-runtime")?.medianMs ?? Number.NaN) / (row("workcell")?.medianMs ?? Number.NaN);
  return [
    ...["workcell", "workcell-ca"].map((id) => ({
      what: `${row(id)?.what ?? id}: ms over node -e 0, at most`,
      limit: OVER_NODE_MS,
      measured: overNode(id),
      holds: overNode(id) <= OVER_NODE_MS,
    })),
    {
      what: "workcell run: times faster than sandbox-runtime, at least",
      limit: TIMES_FASTER,
      measured: faster,
      holds: faster >= TIMES_FASTER,
    },
  ];
}
