import { spreadOf } from "./statistics.mjs";

const MIB = 1024 * 1024;

/** @typedef {import("./judge-start.mjs").Hold} Hold */
/** @typedef {{ id: string, what: string }} Named */

/**
 * @typedef {Named & { minMs: number, medianMs: number, p95Ms: number, ratioToSpawn: number }} OutputRow
 * @typedef {Named & { perSecond: number, residents: number, lanes: number }} RateRow
 * @typedef {Named & { processes: number, names: string[], bytes: number, commandBytes: number, residentBytes: number, hostBytes: number }} MemoryRow
 * @typedef {{ count: number, lived: number, answered: number, startMs: number, answerMs: number, endMs: number, processes: number, bytesEach: number, commandBytesEach: number, residentBytes: number, hostBytes: number, left: string[] }} Live
 */

/**
 * Each against a command that is started in no sandbox at all.
 * @param {readonly (Named & { times: readonly number[] })[]} measured
 * @returns {OutputRow[]}
 */
export function outputRows(measured) {
  const spreads = measured.map(({ id, what, times }) => ({ id, what, ...spreadOf(times) }));
  const bare = spreads.find(({ id }) => id === "spawn")?.median ?? Number.NaN;
  return spreads.map(({ id, what, min, median, p95 }) => {
    return { id, what, minMs: min, medianMs: median, p95Ms: p95, ratioToSpawn: median / bare };
  });
}

/**
 * Residents that began together count until the last has ended, so that no tail of one is left out.
 * @param {readonly { count: number, begun: number, ended: number }[]} residents
 */
export function ratePerSecond(residents) {
  const begun = Math.min(...residents.map((one) => one.begun));
  const ended = Math.max(...residents.map((one) => one.ended));
  const count = residents.reduce((total, one) => total + one.count, 0);
  return residents.length === 0 ? Number.NaN : (count * 1000) / (ended - begun);
}

/** @param {string} what @param {string} unit @param {number} limit @param {number} measured @returns {Hold} */
const atMost = (what, unit, limit, measured) => ({ what, unit, limit, measured, holds: measured <= limit });

/** @param {string} what @param {string} unit @param {number} limit @param {number} measured @returns {Hold} */
const atLeast = (what, unit, limit, measured) => ({ what, unit, limit, measured, holds: measured >= limit });

/** @param {Live} live */
function liveHolds({ count, answered, left }) {
  return [
    atLeast("live at once, cells that answer through their gate are at least", "cells", count, answered),
    atMost("of them are left, processes, mounts, homes, groups, at most", "things", 0, left.length),
  ];
}

/**
 * What Workcell promises of its cells. Where a row is missing nothing holds: every comparison with NaN is false.
 * @param {{ output: readonly OutputRow[], rate: readonly RateRow[], memory: readonly MemoryRow[], live: Live | undefined }} rows
 * @returns {Hold[]}
 */
export function cellHolds({ output, rate, memory, live }) {
  const of = (/** @type {string} */ id) => output.find((row) => row.id === id);
  const [direct, socat, further] = [of("direct"), of("socat"), of("further")];
  const started = rate.find(({ id }) => id === "direct")?.perSecond ?? Number.NaN;
  const idle = memory.find(({ id }) => id === "direct")?.bytes ?? Number.NaN;
  return [
    atMost("to first output, direct, median at most", "ms", 8, direct?.medianMs ?? Number.NaN),
    atMost("to first output, direct, 95th percentile at most", "ms", 12, direct?.p95Ms ?? Number.NaN),
    atMost("to first output, socat, median at most", "ms", 16, socat?.medianMs ?? Number.NaN),
    atMost("to first output, socat, 95th percentile at most", "ms", 24, socat?.p95Ms ?? Number.NaN),
    atMost("to first output, a further command, median at most", "ms", 2, further?.medianMs ?? Number.NaN),
    atLeast("cells started a second, direct, at least", "cells", 150, started),
    atMost("memory of an idle cell, direct, at most", "MiB", 1.5, idle / MIB),
    ...(live === undefined ? [] : liveHolds(live)),
  ];
}
