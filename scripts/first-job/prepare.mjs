import {
  accessSync,
  closeSync,
  constants,
  cpSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { runProgram } from "../setup/run-program.mjs";

/**
 * @param {string} variable
 * @param {string} fallback below the home
 */
function xdgFolder(variable, fallback) {
  const given = process.env[variable];
  const base = given !== undefined && path.isAbsolute(given) ? given : path.join(os.homedir(), fallback);
  return path.join(base, "workcell");
}

/** Workcell's state folder of this person, as src/lib/xdg-folders.ts has it. No cell may be connected to it. */
export const stateFolder = () => xdgFolder("XDG_STATE_HOME", ".local/state");

/** Where the job's copy lies, for the person to look at afterwards. */
export const dataFolder = () => xdgFolder("XDG_DATA_HOME", ".local/share");

/** What an earlier job leaves in a folder, and what is therefore never part of the copy. */
const leftovers = ["node_modules", "attempts.json", "summary.md"];

/**
 * A folder for the copy: Workcell's data folder, or where root could not connect a folder of it (a container's overlay
 * has no idmapped mounts) a fresh one in memory or among the temporary files.
 * @param {string} root
 */
export async function chooseFolder(root) {
  const data = dataFolder();
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return data;
  for (const place of [data, "/dev/shm", os.tmpdir()]) {
    const { code } = await runProgram(path.join(root, "dist/native/cellhost"), ["probe-idmap", place]);
    if (code === 0) return place === data ? data : mkdtempSync(path.join(place, "workcell-"));
  }
  return data;
}

/**
 * Puts a fresh copy of the example into a folder of Workcell's, so that the checkout stays as it is.
 * @param {string} root
 * @param {string} folder
 */
export function copyJob(root, folder) {
  const copy = path.join(folder, "first-job");
  const source = path.join(root, "examples/first-job");
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true, mode: 0o700 });
  cpSync(source, copy, {
    recursive: true,
    filter: (file) => !leftovers.includes(path.relative(source, file)),
  });
  return copy;
}

/** @typedef {{ path: string, shown: string, decoy: boolean }} Key */

/**
 * The key that the install script looks for: the person's own, or a decoy where there is none.
 * @param {string} state
 * @returns {Key}
 */
export function chooseKey(state) {
  const own = path.join(os.homedir(), ".ssh/id_ed25519");
  try {
    accessSync(own, constants.R_OK);
    return { path: own, shown: "~/.ssh/id_ed25519", decoy: false };
  } catch {
    const decoy = path.join(state, "decoy/id_ed25519");
    mkdirSync(path.dirname(decoy), { recursive: true, mode: 0o700 });
    writeFileSync(decoy, "This is a decoy of Workcell's first job. It opens nothing.\n", { mode: 0o600 });
    return { path: decoy, shown: "decoy id_ed25519", decoy: true };
  }
}

/** More than this no file of the job has. */
const LONGEST = 64 * 1024;

/**
 * A file that a cell may have written, or undefined where there is none. It could be anything: a link to a file
 * outside the folder, a pipe that nobody writes, or endless.
 * @param {string} file
 */
export function readFromCell(file) {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found = fstatSync(fd);
    return found.isFile() && found.size <= LONGEST ? readFileSync(fd, "utf8") : undefined;
  } catch (error) {
    if (["ENOENT", "ELOOP"].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? ""))
      return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
