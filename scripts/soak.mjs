import { readdirSync, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { tableLines } from "../bench/measure/table.mjs";
import { buildAll } from "./build.mjs";
import { duration, makePage } from "./setup/page.mjs";
import { isStamped } from "./setup/source-stamp.mjs";
import { ending, Stop } from "./setup/stop.mjs";
import { countRecords, findLeftOver, MOST_RECORDS, takeCensus } from "./soak/left-over.mjs";
import { makePlace } from "./soak/place.mjs";
import { DURABLE, killMany, startMany } from "./soak/starts.mjs";

const root = path.resolve(import.meta.dirname, "..");

const usage = `Usage: npm run soak -- [--starts N] [--kills N] [--seconds N]

Starts cells in both tunnels, two side by side, and kills the Workcell of others at random moments; says what is left.

  --starts N   cells that end by themselves (default 10000)
  --kills N    cells whose Workcell is killed 0 to 150 ms after its start (default 1000)
  --seconds N  begin no further start after so long (default: no bound)

Example: npm run soak -- --starts 2000 --kills 300`;

const wholeNumber = /^\d{1,7}$/;

function readOptions() {
  const text = { type: /** @type {const} */ ("string") };
  const options = {
    starts: { ...text, default: "10000" },
    kills: { ...text, default: "1000" },
    seconds: text,
    help: { type: /** @type {const} */ ("boolean"), default: false },
  };
  try {
    const { values } = parseArgs({ options });
    const { starts, kills, seconds = "9999999", help } = values;
    if ([starts, kills, seconds].every((value) => wholeNumber.test(value)))
      return { help, starts: Number(starts), kills: Number(kills), seconds: Number(seconds) };
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error), "", usage);
  }
  throw new Stop("Cannot read the bounds: whole numbers are needed.", "", usage);
}

/** @typedef {Awaited<ReturnType<typeof findLeftOver>>} Found */
/** @typedef {import("./soak/left-over.mjs").Census} Census */

/**
 * @param {Census} before
 * @param {Found} found
 * @param {{ before: number, after: number }} records
 */
function table(before, { now, left }, records) {
  const rows = Object.keys(before).map((kind) => [
    kind,
    `${before[kind]?.length ?? 0}`,
    `${now[kind]?.length ?? 0}`,
    (left[kind]?.length ?? 0) === 0 ? "nothing left" : `LEFT ${left[kind]?.length}`,
  ]);
  const bounded = records.after <= MOST_RECORDS ? `kept, at most ${MOST_RECORDS}` : "TOO MANY";
  rows.push(["records of sessions", `${records.before}`, `${records.after}`, bounded]);
  return tableLines([["what", "before", "after", "verdict"], ...rows]);
}

/** Drafts of markers are taken away by any start from a minute on: this is that minute. @param {string} state */
function letDraftsAge(state) {
  for (const folder of ["running", "uids"].map((name) => path.join(state, name))) {
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) continue;
    for (const name of readdirSync(folder).filter((entry) => entry.startsWith(".")))
      utimesSync(path.join(folder, name), 0, 0);
  }
}

/** Starts until nothing more has to be cleared: one clears what was killed, and each takes a few old records. */
async function clear(
  /** @type {import("./soak/place.mjs").Place} */ place,
  /** @type {Set<number>} */ launchers,
) {
  letDraftsAge(place.state);
  let failed = /** @type {string[]} */ ([]);
  let starts = 0;
  do {
    const bounds = { count: 2, until: Number.POSITIVE_INFINITY, pending: () => {} };
    const more = await startMany(place, launchers, bounds);
    starts += more.done;
    failed = [...failed, ...more.failed];
  } while (countRecords(place) > MOST_RECORDS && starts < 2000);
  return { starts, failed };
}

/** @param {Found} found @param {readonly string[]} failed */
function details({ left }, failed) {
  const kinds = Object.entries(left).flatMap(([kind, names]) => names.map((name) => `${kind}: ${name}`));
  return [...failed, ...kinds].slice(0, 40).map((line) => `  ${line}`);
}

/** @returns {Promise<number>} exit code */
async function main() {
  const { help, starts, kills, seconds } = readOptions();
  const page = makePage(process.stdout, process.env);
  if (help) {
    page.line(usage);
    return 0;
  }
  if (!isStamped(root)) page.line(`Built: ${await buildAll(root)}`);
  const until = performance.now() + seconds * 1000;
  const place = makePlace(root);
  /** @type {Set<number>} */
  const launchers = new Set();
  const look = () => takeCensus(place, { launchers, durable: DURABLE });
  const before = look();
  let clean = true;

  /** @param {string} title @param {readonly string[]} failed */
  const judge = async (title, failed) => {
    const found = await findLeftOver(look, before);
    const records = { before: 0, after: countRecords(place) };
    const leftOver = Object.values(found.left).some((names) => names.length > 0);
    clean &&= !leftOver && failed.length === 0 && records.after <= MOST_RECORDS;
    for (const line of [title, ...details(found, failed), ...table(before, found, records), ""])
      page.line(line);
  };
  const bounds = (/** @type {number} */ count, /** @type {string} */ what) => ({
    ...{ count, until },
    pending: (/** @type {number} */ done) => page.pending(`${done} of ${count} ${what}`),
  });

  try {
    let begun = performance.now();
    const took = () => duration(performance.now() - begun);
    const started = await startMany(place, launchers, bounds(starts, "starts"));
    await judge(`${started.done} starts in ${took()}, ${started.failed.length} failed`, started.failed);

    begun = performance.now();
    const killed = await killMany(place, launchers, bounds(kills, "kills"));
    const cleared = await clear(place, launchers);
    const failed = [...killed.failed, ...cleared.failed];
    const when = `${killed.early} before the command began, ${killed.began} after it`;
    const done = `${killed.done} starts killed in ${took()}, ${failed.length} failed`;
    await judge(`${done}; ${when}; then ${cleared.starts} starts to clear up`, failed);
    page.line(clean ? "soak: nothing is left behind" : "soak: SOMETHING IS LEFT BEHIND");
    return clean ? 0 : 1;
  } finally {
    place.remove();
  }
}

await ending(main);
