import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {import("./place.mjs").Place} Place */

/** The session that stays, which some of the starts are in; as root it has a disk of its own. */
export const DURABLE = "soaked-steady-curie";
const SIDE_BY_SIDE = 2;
const LATEST_KILL_MS = 150;
/** A start that takes longer has hung, in `ms`. */
const HUNG_MS = 120_000;
/** Time in which the output of a cell ends after its Workcell, in `ms`. */
const CLOSED_MS = 5_000;

/**
 * @typedef {object} Bounds
 * @property {number} count
 * @property {number} until when no further start begins, as `performance.now()` says it
 * @property {(done: number) => void} pending
 */

/** What differs between starts: both tunnels in turn, a connected folder, a session that stays. @param {Place} place @param {number} index */
function flagsOf(place, index) {
  return [
    ...["--tunnel", index % 2 === 0 ? "direct" : "socat"],
    // Who starts the command has this on its command line or in its environment, and so has the command.
    ...["-e", `WORKCELL_SOAK=${place.folder}`],
    ...(index % 8 < 2 ? ["-m", `${place.work}:rw`] : []),
    ...(index % 50 < 2 ? ["--session", DURABLE, "--disk", "64M"] : []),
  ];
}

/** @param {Place} place @param {readonly string[]} words */
function start(place, words) {
  return spawn(place.workcell, ["run", ...words], {
    cwd: place.folder,
    env: place.env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: HUNG_MS,
    killSignal: "SIGKILL",
  });
}

/** Runs `one` for each index, several side by side. @param {Bounds} bounds @param {(index: number) => Promise<void>} one */
async function sideBySide({ count, until, pending }, one) {
  let next = 0;
  const work = async () => {
    while (next < count && performance.now() < until) {
      const index = next;
      next += 1;
      await one(index);
      if (index % 20 === 0) pending(index);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return next;
}

/** Collects what comes. @param {import("node:stream").Readable} stream */
function collect(stream) {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk) => {
    text = (text + chunk).slice(0, 1000);
  });
  return () => text;
}

/**
 * Starts cells whose commands end by themselves.
 * @param {Place} place
 * @param {Set<number>} launchers takes each Workcell's pid
 * @param {Bounds} bounds
 */
export async function startMany(place, launchers, bounds) {
  /** @type {string[]} */
  const failed = [];
  const done = await sideBySide(bounds, async (index) => {
    const child = start(place, [...flagsOf(place, index), "--", "sh", "-c", "echo ran", place.folder]);
    launchers.add(child.pid ?? 0);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const [code, signal] = await once(child, "close");
    if (code !== 0 || stdout() !== "ran\n")
      failed.push(`start ${index}: ${code ?? signal} ${stderr().trim()}`);
  });
  return { done, failed };
}

/**
 * Starts cells and kills their Workcell alone, at a random moment of the start or soon after it.
 * @param {Place} place
 * @param {Set<number>} launchers takes each Workcell's pid
 * @param {Bounds} bounds
 */
export async function killMany(place, launchers, bounds) {
  const counted = { began: 0, early: 0 };
  /** @type {string[]} */
  const failed = [];
  const done = await sideBySide(bounds, async (index) => {
    const script = "echo ran; exec sleep 600";
    const child = start(place, [...flagsOf(place, index), "--", "sh", "-c", script, place.folder]);
    launchers.add(child.pid ?? 0);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const [ended, closed] = [once(child, "exit"), once(child, "close")];
    await sleep(Math.random() * LATEST_KILL_MS);
    child.kill("SIGKILL");
    const [code] = await ended;
    // A cell that outlives its Workcell holds its output open: it is looked for at the end.
    await Promise.race([closed, sleep(CLOSED_MS, undefined, { ref: false })]);
    if (code !== null) failed.push(`start ${index} ended before it was killed: ${code} ${stderr().trim()}`);
    else if (stdout() === "ran\n") counted.began += 1;
    else counted.early += 1;
  });
  return { ...counted, done, failed };
}
