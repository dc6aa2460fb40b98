import { checkNamespaces } from "./namespaces.mjs";
import { findPackageManager } from "./package-managers.mjs";
import { findProgram, runProgram } from "./run-program.mjs";
import { Stop } from "./stop.mjs";

/** @typedef {"bubblewrap" | "socat" | "bash" | "compiler"} Need */
/** @typedef {import("./package-managers.mjs").PackageManager} PackageManager */

/** @type {Record<Need, readonly string[]>} any one of these programs is enough */
const programsFor = {
  bubblewrap: ["bwrap"],
  socat: ["socat"],
  bash: ["bash"],
  compiler: ["musl-gcc", "gcc", "cc", "clang"],
};

/** @param {boolean} compiling */
function missingNeeds(compiling) {
  const needs = /** @type {Need[]} */ (Object.keys(programsFor));
  return needs
    .filter((need) => compiling || need !== "compiler")
    .filter((need) => !programsFor[need].some((program) => findProgram(program) !== undefined));
}

/**
 * The line that installs what is missing, for a person to run.
 * @param {PackageManager} manager
 * @param {readonly Need[]} missing
 */
export function installLine(manager, missing) {
  const packages = missing.flatMap((need) => manager[need]);
  return ["sudo", manager.program, ...manager.install, ...packages].join(" ");
}

/**
 * @param {PackageManager} manager
 * @param {readonly Need[]} missing
 */
async function install(manager, missing) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const words = [...manager.install, ...missing.flatMap((need) => manager[need])];
  const first = await runProgram(manager.program, words, { env });
  if (first.code === 0) return;
  // The lists of a fresh machine are empty or old: only then is it worth the time to fetch them.
  if (manager.update !== undefined) await runProgram(manager.program, manager.update, { env });
  const second = await runProgram(manager.program, words, { env });
  if (second.code === 0) return;
  throw new Stop(
    `Cannot install ${missing.join(", ")}: ${manager.program} ended with ${second.code}.`,
    second.stderr.trim().split("\n").slice(-3).join("\n"),
    `Run it yourself and start again: ${installLine(manager, missing)}`,
  );
}

/** @param {readonly Need[]} missing */
function refuse(missing) {
  const manager = findPackageManager();
  const what = `Missing: ${missing.join(", ")}. Nothing has been changed.`;
  if (manager === undefined) {
    return new Stop(what, "Install them with this machine's package manager, then start again.");
  }
  return new Stop(what, "Run this line, then start again:", `  ${installLine(manager, missing)}`);
}

/**
 * The first version number in a program's own words.
 * @param {string} program
 * @param {string} flag
 */
async function versionOf(program, flag) {
  const { stdout } = await runProgram(program, [flag]);
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? "of unknown version";
}

/** Workcell runs on Node 20.19 and newer. */
function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Stop(
    `Node ${process.versions.node} is too old: Workcell needs Node 20.19 or newer. Nothing has been changed.`,
    "Install a newer Node (https://nodejs.org), then start again.",
  );
}

/**
 * Sees to it that everything Workcell needs of the machine is there; installs it as root, names it otherwise.
 * @param {{ compiling: boolean, pending: (what: string) => void }} options
 * @returns {Promise<string>} what is there, in one line
 */
export async function setUpSystem({ compiling, pending }) {
  checkNode();
  const missing = missingNeeds(compiling);
  const manager = findPackageManager();
  if (missing.length > 0) {
    if (process.getuid?.() !== 0 || manager === undefined) throw refuse(missing);
    pending(`installing ${missing.flatMap((need) => manager[need]).join(", ")} with ${manager.program}`);
    await install(manager, missing);
    if (missingNeeds(compiling).length > 0) throw refuse(missingNeeds(compiling));
  }
  await checkNamespaces();
  const [bubblewrap, socat] = await Promise.all([versionOf("bwrap", "--version"), versionOf("socat", "-V")]);
  const how = missing.length > 0 ? ` (installed with ${manager?.program})` : "";
  return `bubblewrap ${bubblewrap}, socat ${socat}${how}`;
}
