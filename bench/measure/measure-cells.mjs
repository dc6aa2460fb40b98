import os from "node:os";
import path from "node:path";
import { cellLaunchers, isRival, sandboxRuntimeFolder } from "./cell-rivals.mjs";
import { outputRows, ratePerSecond } from "./judge-cells.mjs";
import { cellGroups, findLeftOver } from "./left-over.mjs";
import { buildResident, runResident, tryResident } from "./run-resident.mjs";
import { buildWith } from "./set-up.mjs";

/** @typedef {import("./launchers.mjs").LauncherTask} LauncherTask */
/** @typedef {import("./run-resident.mjs").Resident} Resident */
/** @typedef {(command: readonly string[]) => readonly LauncherTask[]} LaunchersOf */

const WARM_UPS = 5;
/** Commands that one resident has in flight: with one, the CPUs would wait for each other's hand-overs. */
const LANES = 2;
const RATE_COUNT = 300;
const IDLE_COUNT = 50;
const LIVE_LANES = 8;
/** Until every resident has started, imported and warmed up. */
const TOGETHER_MS = 6000;

/** Leaves out those rivals that do not work here. @param {Resident} resident @param {readonly LauncherTask[]} launchers */
async function tryRivals(resident, launchers) {
  const leftOut = [];
  for (const launcher of launchers.filter(isRival)) {
    const task = { measure: "output", count: 1, warmUps: 1, launchers: [launcher] };
    const { failure } = await tryResident(resident, task);
    if (failure !== undefined) leftOut.push({ id: launcher.id, what: launcher.what, why: failure });
  }
  return leftOut;
}

/** @param {Resident} resident @param {LauncherTask} launcher @param {number} residents */
async function measureRate(resident, launcher, residents) {
  // What is slow is not waited for as long as it would take.
  const count = launcher.kind === "sandbox-runtime" ? RATE_COUNT / 5 : RATE_COUNT;
  const at = Date.now() + TOGETHER_MS;
  const task = { measure: "rate", count, warmUps: WARM_UPS, lanes: LANES, at, launchers: [launcher] };
  const measured = await Promise.all(Array.from({ length: residents }, () => runResident(resident, task)));
  const perSecond = ratePerSecond(measured.flat());
  return { id: launcher.id, what: launcher.what, perSecond, residents, lanes: LANES };
}

/** @param {Resident} resident @param {readonly LauncherTask[]} launchers @param {(what: string) => void} pending */
async function measureRates(resident, launchers, pending) {
  const cpus = os.availableParallelism();
  const rows = [];
  for (const launcher of launchers) {
    pending(`commands a second: ${launcher.what}`);
    rows.push(await measureRate(resident, launcher, cpus));
  }
  const direct = launchers.find(({ id }) => id === "direct");
  if (direct === undefined || cpus === 1) return rows;
  const one = await measureRate(resident, direct, 1);
  return [...rows, { ...one, id: "direct-one", what: `${direct.what}, all from one process` }];
}

/** @param {Resident} resident @param {readonly LauncherTask[]} launchers @param {(what: string) => void} pending */
async function measureMemory(resident, launchers, pending) {
  const rows = [];
  for (const launcher of launchers) {
    pending(`memory: ${launcher.what}`);
    const task = { measure: "memory", count: IDLE_COUNT, warmUps: WARM_UPS, launchers: [launcher] };
    const [measured] = await runResident(resident, task);
    rows.push({ what: launcher.what, ...measured });
  }
  return rows;
}

/** @param {Resident} resident @param {readonly LauncherTask[]} launchers @param {number} count */
async function measureLive(resident, launchers, count) {
  if (count === 0) return undefined;
  const direct = launchers.filter(({ id }) => id === "direct");
  const before = cellGroups();
  const task = { measure: "live", count, warmUps: 0, lanes: LIVE_LANES, launchers: direct };
  const [measured] = await runResident(resident, task);
  const left = findLeftOver(resident.surroundings.env["HOME"] ?? "", before);
  const processes = Array(measured.left).fill("process of the resident's");
  return { ...measured, count, left: [...processes, ...left] };
}

/**
 * All measures of cells, one after another.
 * @param {import("./set-up.mjs").Installed} installed
 * @param {import("./surroundings.mjs").Surroundings} surroundings
 * @param {{ rounds: number, live: number, pending: (what: string) => void }} options
 */
export async function measureCells({ node, sandboxRuntime }, surroundings, { rounds, live, pending }) {
  pending("building");
  const workcell = path.join(path.dirname(await buildWith(node, surroundings.folder)), "../dist");
  const resident = { node, surroundings, file: await buildResident(node, surroundings.folder) };
  const places = { workcell, sandboxRuntime: sandboxRuntimeFolder(sandboxRuntime), surroundings };
  pending("trying the rivals");
  const known = cellLaunchers(places, ["echo", "here"]);
  const failing = await tryRivals(resident, known.launchers);
  const leftOut = [...known.leftOut, ...failing];
  /** @type {LaunchersOf} */
  const running = (command) =>
    cellLaunchers(places, command).launchers.filter(({ id }) => !failing.some((one) => one.id === id));

  pending("time to first output");
  const launchers = running(["echo", "here"]);
  const task = { measure: "output", count: rounds, warmUps: WARM_UPS, launchers };
  /** @type {{ id: string, times: number[] }[]} */
  const times = await runResident(resident, task);
  const what = (/** @type {string} */ id) => launchers.find((one) => one.id === id)?.what ?? id;
  const output = outputRows(times.map((one) => ({ ...one, what: what(one.id) })));
  const cells = (/** @type {readonly string[]} */ command) =>
    running(command).filter(({ kind }) => kind !== "further");
  const rate = await measureRates(resident, cells(["true"]), pending);
  const memory = await measureMemory(resident, cells(["sleep", "1000"]), pending);
  pending(`${live} cells at once`);
  return { leftOut, output, rate, memory, live: await measureLive(resident, launchers, live) };
}
