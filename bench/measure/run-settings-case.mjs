import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import path from "node:path";
import { settingsFile } from "./settings-cases-shared.mjs";

/** @typedef {import("./settings-cases.mjs").Case} Case */
/** @typedef {import("./settings-cases.mjs").World} World */
/** @typedef {import("./settings-cases.mjs").Result} Result */

/**
 * @typedef {object} Program
 * @property {string} id
 * @property {(settings: string) => readonly string[]} words those before the command, as a person types them
 * @property {readonly string[]} [live] words that have it read new settings from descriptor 3
 * @property {NodeJS.ProcessEnv} env besides the case's own
 */

/** A case that hangs is not the answer to anything. */
const LONGEST_MS = 30_000;

/** @param {string} place */
function readPlace(place) {
  try {
    return statSync(place).isDirectory() ? readdirSync(place).join("\n") : readFileSync(place, "utf8");
  } catch {
    return undefined;
  }
}

/** @param {Case} given @param {string} parent @param {number} port @returns {World} */
function makeWorld(given, parent, port) {
  const folder = mkdtempSync(path.join(parent, "case-"));
  const [work, home] = [path.join(folder, "work"), path.join(folder, "home")];
  for (const made of [work, home]) mkdirSync(made);
  for (const [name, content] of Object.entries(given.files ?? {})) {
    const place = path.join(folder, name);
    mkdirSync(name.endsWith("/") ? place : path.dirname(place), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(place, content);
  }
  const told = {
    port,
    starter: process.pid,
    ipc: readlinkSync("/proc/self/ns/ipc"),
    uts: readlinkSync("/proc/self/ns/uts"),
  };
  for (const [name, value] of Object.entries(told)) writeFileSync(path.join(work, name), `${value}`);
  return { folder, work, home, port, read: (name) => readPlace(path.join(folder, name)) };
}

/** @param {Case} given @param {World} world */
function writeSettings(given, world) {
  const file = path.join(world.folder, "settings.json");
  if (given.file === "missing") return file;
  writeFileSync(file, given.text ?? JSON.stringify(given.settings?.(world) ?? settingsFile()));
  return file;
}

/**
 * @param {readonly string[]} argv @param {Program} program @param {World} world
 * @param {{ input?: string | undefined, control?: boolean }} [more]
 */
function start([command = "", ...words], program, world, more = {}) {
  const env = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: world.home,
    BENCH_SECRET: "SECRET",
    ...program.env,
  };
  const stdin = more.input === undefined ? "ignore" : "pipe";
  /** @type {import("node:child_process").StdioOptions} */
  const stdio = more.control ? [stdin, "pipe", "pipe", "pipe"] : [stdin, "pipe", "pipe"];
  const child = spawn(command, words, {
    cwd: world.work,
    env,
    stdio,
    timeout: LONGEST_MS,
    killSignal: "SIGKILL",
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(more.input);
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  /** @type {Promise<Result>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {Case} given @param {Program} program @param {World} world @returns {Promise<Result>} */
async function act(given, program, world) {
  const settings = writeSettings(given, world);
  const command = given.words ?? ["bash", "-c", given.script ?? "true"];
  const argv = [...program.words(settings), ...command];
  if (given.how === "kill") {
    const { child, ended } = start(argv, program, world);
    await sleep(2500);
    child.kill("SIGKILL");
    return ended;
  }
  if (given.how === "two") {
    const first = start([...program.words(settings), "sleep", "1"], program, world);
    await sleep(600);
    const second = start(argv, program, world);
    await first.ended;
    return second.ended;
  }
  if (given.how === "live") {
    if (program.live === undefined) return { code: 0, stdout: "", stderr: "" };
    const live = [...program.words(settings).slice(0, -1), ...program.live, "--", ...command];
    const { child, ended } = start(live, program, world, { control: true });
    await sleep(1500);
    const control = /** @type {import("node:stream").Writable} */ (child.stdio[3]);
    control.on("error", () => {});
    control.end(`${JSON.stringify(settingsFile({}, { allowedDomains: [`127.0.0.1:${world.port}`] }))}\n`);
    return ended;
  }
  return start(argv, program, world, { input: given.input }).ended;
}

/** A socket of the host's in the working directory, as an editor or a database leaves one. @param {World} world */
function listenInWork({ work }) {
  const server = net.createServer((socket) => socket.destroy());
  const here = process.cwd();
  // A socket's path may have 107 bytes; by its own name it has nine.
  process.chdir(work);
  return new Promise((resolve) => {
    server.listen("host.sock", () => {
      process.chdir(here);
      resolve(server);
    });
  });
}

/**
 * Plays one case in a world of its own, and says what came of it.
 * @param {Case} given @param {Program} program @param {{ readonly parent: string, readonly port: number }} place
 * @returns {Promise<string>}
 */
export async function runSettingsCase(given, program, { parent, port }) {
  const world = makeWorld(given, parent, port);
  const server = /** @type {net.Server} */ (await listenInWork(world));
  try {
    given.prepare?.(world);
    const result = await act(given, program, world);
    // What was killed may still be ending.
    if (given.how === "kill" || given.id === "8.6") await sleep(3500);
    return given.answer(result, world) || "nothing";
  } finally {
    server.close();
    rmSync(world.folder, { recursive: true, force: true });
  }
}
