import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { hasDependencies, setUpCheckout } from "../../scripts/setup/checkout.mjs";
import { findProgram, runProgram } from "../../scripts/setup/run-program.mjs";
import { Stop } from "../../scripts/setup/stop.mjs";
import { setUpSystem } from "../../scripts/setup/system.mjs";

const bench = path.resolve(import.meta.dirname, "..");
const root = path.resolve(bench, "..");

/** Installs what bench/package-lock.json names, where that is not done already. */
async function installRivals() {
  if (hasDependencies(bench)) return;
  const words = ["ci", "--include=dev", "--include=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { code, stderr } = await runProgram("npm", words, { cwd: bench });
  if (code !== 0)
    throw new Stop(
      `npm ci in "${bench}" ended with ${code}:`,
      stderr.trim().split("\n").slice(-6).join("\n"),
    );
}

/** The platform's own package of npm's `node`; that one itself would fetch it by an install script. */
function findNode() {
  const folder = path.join(bench, `node_modules/node-linux-${process.arch}`);
  const node = path.join(folder, "bin/node");
  if (!existsSync(node))
    throw new Stop(`bench/package.json names no Node for "${process.arch}": it has x64 and arm64.`);
  // Node's own distribution has this folder; npm's package leaves it out, being without npm.
  mkdirSync(path.join(folder, "lib/node_modules"), { recursive: true });
  return node;
}

function findRipgrep() {
  if (findProgram("rg") !== undefined) return;
  throw new Stop(
    "Cannot measure sandbox-runtime: it needs ripgrep, and no rg is on PATH.",
    "Install it: apt-get install -y ripgrep   (Fedora: dnf install ripgrep; Alpine: apk add ripgrep)",
  );
}

/**
 * @typedef {object} Installed
 * @property {string} node the one Node of all rivals
 * @property {string} nodeVersion
 * @property {string} workcell the checkout's launcher
 * @property {string} sandboxRuntime
 */

/**
 * Sees to it that Workcell is built and every rival that must be there is there.
 * @param {(what: string) => void} pending
 * @returns {Promise<Installed>}
 */
export async function setUp(pending) {
  findRipgrep();
  await setUpSystem({ compiling: true, pending });
  await setUpCheckout(root, { testing: false, pending });
  pending("installing the rivals");
  await installRivals();
  const node = findNode();
  return {
    node,
    nodeVersion: (await runProgram(node, ["--version"])).stdout.trim(),
    workcell: path.join(root, "bin/workcell"),
    sandboxRuntime: path.join(bench, "node_modules/.bin/srt"),
  };
}

/**
 * Workcell as that Node builds it, which is how a person with that Node has it.
 * @param {string} node
 * @param {string} folder
 * @returns {Promise<string>} its launcher
 */
export async function buildWith(node, folder) {
  const out = path.join(folder, "workcell");
  const { code, stderr } = await runProgram(node, [
    path.join(import.meta.dirname, "build-workcell.mjs"),
    out,
  ]);
  if (code !== 0) throw new Stop(`Cannot build Workcell with "${node}":`, stderr.trim());
  return path.join(out, "bin/workcell");
}
