import { createHash } from "node:crypto";
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import path from "node:path";

const PIECE = Buffer.alloc(4 << 20);

/** @param {string} file */
function sumOf(file) {
  const hash = createHash("sha256");
  const fd = openSync(file, "r");
  try {
    for (let got = 1; got > 0; ) {
      got = readSync(fd, PIECE, 0, Math.min(PIECE.length, Math.max(1, fstatSync(fd).size)), null);
      hash.update(PIECE.subarray(0, got));
    }
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

/**
 * @typedef {object} Known what stands at a path
 * @property {string} is type, bits, owner, size, and the sum of what is in it or where it leads
 * @property {bigint} mtimeNs
 */

/** All that is in a folder, by path: read to the last byte. @param {string} folder @returns {Map<string, Known>} */
export function readTree(folder) {
  const known = new Map();
  const open = [""];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const name of readdirSync(path.join(folder, at))) {
      const place = path.join(at, name);
      const file = path.join(folder, place);
      const { mode, uid, gid, size, mtimeNs, nlink } = lstatSync(file, { bigint: true });
      const type = Number(mode) & 0o170000;
      const what =
        type === 0o100000 ? `${size} ${nlink} ${sumOf(file)}` : type === 0o120000 ? readlinkSync(file) : "";
      known.set(place, { is: `${mode.toString(8)} ${uid}:${gid} ${what}`, mtimeNs });
      if (type === 0o040000) open.push(place);
    }
  }
  return known;
}

/**
 * The paths at which two trees differ; times count for files where they are asked for.
 * @param {Map<string, Known>} one
 * @param {Map<string, Known>} other
 * @param {{ times?: boolean }} [how]
 */
export function differences(one, other, { times = false } = {}) {
  const all = new Set([...one.keys(), ...other.keys()]);
  return [...all].filter((place) => {
    const [here, there] = [one.get(place), other.get(place)];
    if (here === undefined || there === undefined || here.is !== there.is) return true;
    return times && here.is.startsWith("100") && here.mtimeNs !== there.mtimeNs;
  });
}
