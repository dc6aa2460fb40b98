#!/usr/bin/env node
import path from "node:path";
import { findProgram, runProgram } from "./setup/run-program.mjs";
import { ending, Stop } from "./setup/stop.mjs";

/** `node scripts/nightly-programs.mjs`: large programs do their work under the filters. Installs them where it may. */

const root = path.resolve(import.meta.dirname, "..");

/** Packages of Debian and Ubuntu, by the program that each brings. */
const packages = {
  bwrap: "bubblewrap",
  file: "file",
  ffmpeg: "ffmpeg",
  soffice: "libreoffice-writer-nogui",
  javac: "default-jdk-headless",
};

function missingPackages() {
  return Object.entries(packages)
    .filter(([program]) => findProgram(program) === undefined)
    .map(([, name]) => name);
}

/** @param {readonly string[]} missing */
async function install(missing) {
  const words = ["install", "-y", "--no-install-recommends", ...missing];
  const line = `apt-get ${words.join(" ")}`;
  if (findProgram("apt-get") === undefined)
    throw new Stop(`Missing: ${missing.join(", ")}. Install them with this machine's package manager.`);
  if (process.getuid?.() !== 0)
    throw new Stop(`Missing: ${missing.join(", ")}. Nothing has been changed. Run: sudo ${line}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await runProgram("apt-get", ["update"], { env });
  const { code, stderr } = await runProgram("apt-get", words, { env });
  if (code !== 0)
    throw new Stop(
      `Cannot install ${missing.join(", ")}: ${stderr.trim().split("\n").at(-1)}`,
      `Run: ${line}`,
    );
}

/** @returns {Promise<number>} exit code */
async function main() {
  const missing = missingPackages();
  if (missing.length > 0) await install(missing);
  const words = ["run", "--project", "integration", "test/integration/programs-under-filters"];
  // In CI a program that is not there is a failure; so it is here, where all of them are to be.
  const env = { ...process.env, WORKCELL_NIGHTLY: "1", CI: "true" };
  const { code } = await runProgram(path.join(root, "node_modules/.bin/vitest"), words, {
    cwd: root,
    env,
    show: true,
  });
  return code;
}

await ending(main);
