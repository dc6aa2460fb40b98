import { readdirSync, readFileSync } from "node:fs";

/** A file of /proc; empty where its process has ended. @param {string} file */
function readProc(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Gone, or somebody else's: either way there is nothing to add up.
    return "";
  }
}

/**
 * @typedef {object} Process
 * @property {number} pid
 * @property {number} parent
 * @property {string} name
 */

/** @returns {Process[]} */
function allProcesses() {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const [, name = "", fields = ""] = /\((.*)\) (.*)/s.exec(readProc(`/proc/${pid}/stat`)) ?? [];
      return fields === "" ? [] : [{ pid: Number(pid), name, parent: Number(fields.split(" ")[1]) }];
    });
}

/** All that a process has started and that has not been given to another parent since. @param {number} root */
export function descendants(root) {
  const all = allProcesses();
  /** @type {Process[]} */
  const found = [];
  for (let parents = new Set([root]); parents.size > 0; ) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found;
}

/** Proportional set size: what a process shares with others is divided among them. @param {number | "self"} pid */
export function pssBytes(pid) {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/smaps_rollup`)) ?? [];
  return kilobytes === undefined ? Number.NaN : Number(kilobytes) * 1024;
}

/** What the host could still give, everything counted that the kernel holds for somebody. */
export function availableBytes() {
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readProc("/proc/meminfo")) ?? [];
  return Number(kilobytes) * 1024;
}
