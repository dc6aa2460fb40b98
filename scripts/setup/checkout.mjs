import { accessSync, constants, readFileSync } from "node:fs";
import path from "node:path";
import { runProgram } from "./run-program.mjs";
import { isStamped } from "./source-stamp.mjs";
import { Stop } from "./stop.mjs";

/** @param {string} file @returns {Record<string, { version?: string, optional?: boolean }>} */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * True when node_modules holds every package of the lockfile in the locked version; those that are optional
 * (another platform's binaries) may be missing.
 * @param {string} root
 */
export function hasDependencies(root) {
  const locked = Object.entries(lockedPackages(path.join(root, "package-lock.json")));
  const installed = lockedPackages(path.join(root, "node_modules/.package-lock.json"));
  return locked.every(
    ([name, { version, optional }]) => name === "" || optional || installed[name]?.version === version,
  );
}

/** @param {string} root */
function isWritable(root) {
  try {
    accessSync(root, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} root
 * @param {readonly string[]} words
 */
async function npm(root, words) {
  const done = await runProgram("npm", words, { cwd: root });
  if (done.code === 0) return;
  const said = `${done.stdout}\n${done.stderr}`
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("npm warn"))
    .slice(0, 12);
  throw new Stop(`npm ${words.join(" ")} ended with ${done.code}:`, ...said);
}

/**
 * What of the checkout is to be made; nothing, for a checkout that is up to date.
 * @param {string} root
 * @param {{ testing: boolean }} options
 */
export function missingFromCheckout(root, { testing }) {
  const build = !isStamped(root);
  return { build, dependencies: (build || testing) && !hasDependencies(root) };
}

/**
 * Installs the locked dependencies and builds, where that is not done already.
 * @param {string} root
 * @param {{ testing: boolean, pending: (what: string) => void }} options
 * @returns {Promise<string>} what was done, in one line
 */
export async function setUpCheckout(root, { testing, pending }) {
  const missing = missingFromCheckout(root, { testing });
  if (!missing.build && !missing.dependencies) return "up to date";
  if (!isWritable(root)) {
    throw new Stop(
      `The build in "${root}" is not up to date, and the folder is not writable for this user.`,
      "Have its owner run: npm ci && npm run build",
    );
  }
  if (missing.dependencies) {
    pending("installing the locked dependencies");
    await npm(root, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  }
  if (missing.build) {
    pending("building");
    await npm(root, ["run", "build"]);
  }
  return [missing.dependencies && "dependencies", missing.build && "TypeScript and C"]
    .filter(Boolean)
    .join(", ");
}
