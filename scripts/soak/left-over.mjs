import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {Readonly<Record<string, readonly string[]>>} Census what there is, by kind; each thing by a name of its own */

/** Records of ended sessions that Workcell keeps before it takes the oldest away. */
export const MOST_RECORDS = 250;
/** Time in which what has ended must be gone, in `ms`: other programs of the machine come and go meanwhile. */
const PATIENCE_MS = 10_000;

const cellGroup = /^workcell-[a-z0-9]+-(\d+)-(\d+)$/;

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, "latin1");
  } catch {
    // It has just ended, is not ours to look at, or this kernel has no such thing.
    return "";
  }
}

/** @param {string} folder */
function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** @param {string} file @param {string} word */
const linesWith = (file, word) =>
  read(file)
    .split("\n")
    .filter((line) => line.includes(word));

/** Whoever has the place on its command line or in its environment, zombies left out. @param {Place} place */
const processes = ({ folder }) =>
  list("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ["cmdline", "environ"].some((file) => read(`/proc/${pid}/${file}`).includes(folder)))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").slice(0, 60)}`);

/** Whether the process that started at that time still has that number. @param {string} pid @param {string} started */
const isAlive = (pid, started) => read(`/proc/${pid}/stat`).replace(/.*\)/s, "").split(" ")[20] === started;

/**
 * Control groups of our own cells, of every hierarchy. All of ours have ended: one that lives has its number after one
 * of ours.
 * @param {ReadonlySet<number>} launchers
 * @param {string} folder
 * @param {number} depth
 * @returns {string[]}
 */
function groups(launchers, folder = "/sys/fs/cgroup", depth = 4) {
  return list(folder).flatMap((name) => {
    const [, pid = "", started = ""] = cellGroup.exec(name) ?? [];
    const inner = path.join(folder, name);
    if (pid !== "") return launchers.has(Number(pid)) && !isAlive(pid, started) ? [inner] : [];
    return depth > 0 ? groups(launchers, inner, depth - 1) : [];
  });
}

const shared = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run"];

/** Names that Workcell, bwrap and a tunnel could make there; the tests' own folders have others. */
const ofACell =
  /^(claude-(http|socks)-[0-9a-f]{12}\.sock|bubblewrap.*|\.?workcell|\.?workcell-[0-9a-f]{12}.*)$/;

/** Temporary files: whatever lies in this person's folders, and what could be a cell's in everybody's. @param {Place} place */
const temporary = ({ folder, temporary: own }) => [
  ...own.flatMap((place) => list(place).map((name) => path.join(place, name))),
  ...shared.flatMap((place) =>
    list(place)
      .filter((name) => ofACell.test(name))
      .map((name) => path.join(place, name))
      .filter((file) => file !== folder),
  ),
];

const sockets = (/** @type {Place} */ { folder }) =>
  linesWith("/proc/net/unix", folder).map((line) => line.split(" ").at(-1) ?? line);

const loops = (/** @type {Place} */ { folder }) =>
  list("/sys/block").filter((name) => read(`/sys/block/${name}/loop/backing_file`).startsWith(folder));

const mounts = (/** @type {Place} */ { folder }) =>
  linesWith("/proc/self/mountinfo", folder).map((line) => line.split(" ")[4] ?? line);

/** System V objects by their ids: a cell has a namespace of its own for them. */
const ipc = () =>
  ["shm", "sem", "msg"].flatMap((kind) =>
    read(`/proc/sysvipc/${kind}`)
      .split("\n")
      .slice(1)
      .filter((line) => line !== "")
      .map((line) => `${kind} ${line.trim().split(/\s+/)[1]}`),
  );

/** Sessions of one command keep their records only; those that were named keep all. @param {Place} place @param {string} durable */
function homes({ state }, durable) {
  const sessions = path.join(state, "sessions");
  return list(sessions)
    .filter((name) => name !== durable)
    .flatMap((name) => list(path.join(sessions, name)).map((inner) => `${name}/${inner}`))
    .filter((name) => !name.endsWith("/cells") && !/\/[a-z-]+\.json$/.test(name));
}

/** A named session keeps its uid; nothing else stays in these. @param {Place} place @param {string} durable */
const claims = ({ state }, durable) =>
  ["running", "uids", "locks", "guards"].flatMap((folder) =>
    list(path.join(state, folder))
      .filter((name) => read(path.join(state, folder, name)).trim() !== durable)
      .map((name) => `${folder}/${name}`),
  );

const known = /^(sessions|running|uids|locks|guards|audit\.jsonl(\.1)?)$/;
const others = (/** @type {Place} */ { state }) => list(state).filter((name) => !known.test(name));

/**
 * Everything that a cell could leave behind.
 * @param {Place} place
 * @param {{ launchers: ReadonlySet<number>, durable: string }} ours pids of each Workcell, and the one session that stays
 * @returns {Census}
 */
export function takeCensus(place, { launchers, durable }) {
  return {
    processes: processes(place),
    mounts: mounts(place),
    "control groups": groups(launchers),
    "temporary files": temporary(place),
    sockets: sockets(place),
    "loop devices": loops(place),
    "IPC objects": ipc(),
    "homes of ended sessions": homes(place, durable),
    "markers, uids, locks": claims(place, durable),
    "other files in the state": others(place),
  };
}

/** Sessions whose records are kept. @param {Place} place */
export const countRecords = ({ state }) => list(path.join(state, "sessions")).length;

/** What is there now and was not before. @param {Census} before @param {Census} now @returns {Census} */
export const newIn = (before, now) =>
  Object.fromEntries(
    Object.entries(now).map(([kind, names]) => [kind, names.filter((name) => !before[kind]?.includes(name))]),
  );

/**
 * Looks again until nothing is left over, or for so long that what is left will stay.
 * @param {() => Census} look
 * @param {Census} before
 * @param {number} [patienceMs]
 */
export async function findLeftOver(look, before, patienceMs = PATIENCE_MS) {
  for (const end = performance.now() + patienceMs; ; await sleep(100)) {
    const now = look();
    const left = newIn(before, now);
    if (Object.values(left).every((names) => names.length === 0) || performance.now() > end)
      return { now, left };
  }
}
