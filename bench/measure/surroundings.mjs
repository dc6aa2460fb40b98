import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { rootCertificates } from "node:tls";

/**
 * @typedef {object} Surroundings
 * @property {string} folder holds the others; for files of a rival
 * @property {string} cwd empty
 * @property {string} certificates a CA file of a usual size
 * @property {NodeJS.ProcessEnv} env a home without settings, the one Node first on PATH, nothing else of this shell's
 */

/** PATH without the folders that npm puts before it. */
function ownPath() {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.filter((folder) => !folder.includes("node_modules") && !folder.includes("node-gyp-bin"));
}

/**
 * Does work where every rival finds the same, and takes it away afterwards.
 * @template T
 * @param {string} node
 * @param {(surroundings: Surroundings) => Promise<T>} work
 */
export async function inSurroundings(node, work) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-bench-"));
  try {
    const [cwd, home] = [path.join(folder, "work"), path.join(folder, "home")];
    for (const made of [cwd, home]) mkdirSync(made);
    const certificates = path.join(folder, "ca.pem");
    writeFileSync(certificates, `${rootCertificates.join("\n")}\n`);
    const PATH = [path.dirname(node), ...ownPath()].join(path.delimiter);
    return await work({ folder, cwd, certificates, env: { PATH, HOME: home, LANG: "C.UTF-8" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
