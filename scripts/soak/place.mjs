import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/**
 * @typedef {object} Place an installation and a person's folders, which nothing else on the machine uses
 * @property {string} folder absolute and real; a word that names whatever is ours
 * @property {string} workcell
 * @property {string} state
 * @property {string} work a folder to connect
 * @property {readonly string[]} temporary where temporary files of this person's go
 * @property {NodeJS.ProcessEnv} env
 * @property {() => void} remove
 */

/** A file system where root's folders can be seen under another owner, if there is one. @param {string} root */
function parentFolder(root) {
  const cellhost = path.join(root, "dist/native/cellhost");
  const fits = (/** @type {string} */ folder) =>
    process.getuid?.() !== 0 || spawnSync(cellhost, ["probe-idmap", folder]).status === 0;
  return ["/var/tmp", "/dev/shm"].find(fits) ?? os.tmpdir();
}

/**
 * Copies what is built, so that a build of the checkout meanwhile changes nothing.
 * @param {string} root the checkout
 * @returns {Place}
 */
export function makePlace(root) {
  const folder = realpathSync(mkdtempSync(path.join(parentFolder(root), "workcell-soak-")));
  chmodSync(folder, 0o755);
  for (const part of ["bin", "dist"])
    cpSync(path.join(root, part), path.join(folder, part), { recursive: true });
  const make = (/** @type {string} */ name) => {
    const made = path.join(folder, name);
    mkdirSync(made, { mode: 0o700 });
    return made;
  };
  const [home, work, tmp, run] = [make("home"), make("work"), make("tmp"), make("run")];
  return {
    ...{ folder, work, temporary: [tmp, run] },
    workcell: path.join(folder, "bin/workcell"),
    state: path.join(home, ".local/state/workcell"),
    env: { PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: tmp, XDG_RUNTIME_DIR: run },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
