import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const read = (/** @type {string} */ file) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A process that has just ended.
    return "";
  }
};

const list = (/** @type {string} */ folder) => (existsSync(folder) ? readdirSync(folder) : []);

/** Control groups of cells, of whatever controller; none where no groups are mounted. @param {string} folder @param {number} depth */
function groupsIn(folder, depth = 3) {
  /** @type {string[]} */
  const found = [];
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    if (!entry.isDirectory()) continue;
    const inner = path.join(folder, entry.name);
    if (/^workcell-[a-z0-9]+-\d+-\d+$/.test(entry.name)) found.push(inner);
    else if (depth > 0) found.push(...groupsIn(inner, depth - 1));
  }
  return found;
}

export const cellGroups = () => groupsIn("/sys/fs/cgroup");

/**
 * What cells left behind though they have ended: processes, mounts, homes, markers, control groups.
 * @param {string} home the person's, whose state folder is in it
 * @param {readonly string[]} groupsBefore
 * @returns {string[]}
 */
export function findLeftOver(home, groupsBefore) {
  const state = path.join(home, ".local/state/workcell");
  const processes = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && read(`/proc/${entry}/cmdline`).includes(state))
    .map((pid) => `process ${pid}`);
  const mounts = read("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => line.includes(state))
    .map((line) => `mount ${line.split(" ")[4]}`);
  const sessions = path.join(state, "sessions");
  const homes = list(sessions).filter((name) => existsSync(path.join(sessions, name, "home")));
  const markers = list(path.join(state, "running"));
  const groups = cellGroups().filter((group) => !groupsBefore.includes(group));
  return [
    ...processes,
    ...mounts,
    ...homes.map((name) => `home of ${name}`),
    ...markers.map((name) => `marker ${name}`),
    ...groups.map((group) => `control group ${group}`),
  ];
}
