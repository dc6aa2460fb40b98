import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { Stop } from "../../scripts/setup/stop.mjs";

/** @typedef {import("./rivals.mjs").Rival} Rival */
/** @typedef {import("./surroundings.mjs").Surroundings} Surroundings */

/** No rival takes a tenth of it; one that hangs is named instead of waited for. */
const HANGS_MS = 20_000;
/** The kernel takes network namespaces down after the process is gone: what one left is not charged to the next. */
const SETTLE_MS = 20;

/** @param {number} ms */
const settle = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/**
 * Runs a rival once, from the start of its process to its end; blocks, so that nothing of ours runs meanwhile.
 * @param {Rival} rival
 * @param {Surroundings} surroundings
 */
function runOnce({ argv, env }, surroundings) {
  const [program = "", ...words] = argv;
  const begun = performance.now();
  const { status, signal, stderr, error } = spawnSync(program, words, {
    cwd: surroundings.cwd,
    env: { ...surroundings.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: HANGS_MS,
    killSignal: "SIGKILL",
  });
  const ms = performance.now() - begun;
  settle(SETTLE_MS);
  if (status === 0) return { ms };
  const ended = error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`);
  return { ms, failure: [ended, ...(stderr ?? "").trim().split("\n").slice(-3)].join("; ") };
}

/** @param {Rival} rival @param {string} failure */
const cannot = ({ argv }, failure) => new Stop(`Cannot measure "${argv.join(" ")}": ${failure}`);

/**
 * Warms every rival up, and leaves out the optional ones that do not work here.
 * @param {readonly Rival[]} rivals
 * @param {Surroundings} surroundings
 * @param {number} rounds
 */
export function warmUp(rivals, surroundings, rounds) {
  /** @type {{ what: string, why: string }[]} */
  const leftOut = [];
  const running = rivals.filter((rival) => {
    for (let round = 0; round < rounds; round++) {
      const { failure } = runOnce(rival, surroundings);
      if (failure === undefined) continue;
      if (!rival.optional) throw cannot(rival, failure);
      leftOut.push({ what: rival.what, why: failure });
      return false;
    }
    return true;
  });
  return { running, leftOut };
}

/**
 * Each round runs every rival once; it begins with another one each time, and every other round goes backwards, so
 * that none always follows the same.
 * @param {readonly Rival[]} rivals
 * @param {number} round
 */
function orderOf(rivals, round) {
  const first = round % rivals.length;
  const turned = [...rivals.slice(first), ...rivals.slice(0, first)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/**
 * @param {readonly Rival[]} rivals
 * @param {Surroundings} surroundings
 * @param {{ rounds: number, pending: (what: string) => void }} options
 * @returns {Map<Rival, number[]>} times in ms
 */
export function timeRivals(rivals, surroundings, { rounds, pending }) {
  const times = new Map(rivals.map((rival) => [rival, /** @type {number[]} */ ([])]));
  for (let round = 0; round < rounds; round++) {
    pending(`round ${round + 1} of ${rounds}`);
    for (const rival of orderOf(rivals, round)) {
      const { ms, failure } = runOnce(rival, surroundings);
      if (failure !== undefined) throw cannot(rival, failure);
      times.get(rival)?.push(ms);
    }
  }
  return times;
}
