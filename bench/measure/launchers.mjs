import { spawn } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { execFurther, openStarter } from "../../src/session/index.ts";

/**
 * @typedef {object} Launched
 * @property {import("node:stream").Writable | null} stdin null where the command has none
 * @property {import("node:stream").Readable} stdout
 * @property {Promise<void>} ended rejects where it did not end as it should
 * @property {(signal: NodeJS.Signals) => void} kill
 */

/**
 * A way to start a command from this process, which stays.
 * @typedef {object} Launcher
 * @property {string} id
 * @property {string} what
 * @property {(command: readonly string[], stdin?: "ignore" | "pipe") => Promise<Launched>} launch
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} LauncherTask
 * @property {string} id
 * @property {string} what
 * @property {"spawn" | "workcell" | "further" | "sandbox-runtime"} kind
 * @property {readonly string[]} words of a spawn: what stands before the command, `{id}` being another each time; of
 *   Workcell: its tunnel
 * @property {boolean} [holdsCommand] the words of a spawn have the command in them
 * @property {string} installation Workcell's folder with `native/`, or sandbox-runtime's own folder
 */

/** An end that a measure asked for itself is none to complain of. */
const expected = [null, "SIGTERM", "SIGKILL"];

/** @param {import("node:child_process").ChildProcess} child @returns {Launched} */
function launchedChild(child) {
  if (child.stdout === null) throw new TypeError("There is no pipe at the child's stdout.");
  let killed = false;
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0 || (killed && expected.includes(signal))) resolve(undefined);
      else reject(new Error(`${child.spawnargs.join(" ")} ended with ${code ?? signal}`));
    });
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended: ended.then(() => {}),
    kill: (signal) => {
      killed = true;
      // A shell would die and leave what it has started.
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    },
  };
}

/** The rivals that are programs. @param {LauncherTask} task @returns {Launcher} */
function spawnLauncher({ id, what, words, holdsCommand }) {
  let count = 0;
  return {
    id,
    what,
    launch: async (command, stdin = "ignore") => {
      count += 1;
      const own = words.map((word) => word.replace("{id}", `${process.pid}-${count}`));
      const [program = "", ...rest] = holdsCommand ? own : [...own, ...command];
      return launchedChild(spawn(program, rest, { stdio: [stdin, "pipe", "inherit"], detached: true }));
    },
    close: async () => {},
  };
}

/** Starts cells as a program does that embeds Workcell. @param {LauncherTask} task */
function openCellStarter({ words: [tunnel = ""], installation }) {
  const env = /** @type {Record<string, string>} */ (process.env);
  const none = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [], waive: [] };
  const request = {
    flags: { ...none, tunnel },
    env,
    cwd: process.cwd(),
    home: env["HOME"] ?? "/",
    installation,
  };
  const notices = new Set();
  const onNotice = (/** @type {string} */ line) => {
    if (!notices.has(line)) process.stderr.write(`${line}\n`);
    notices.add(line);
  };
  return openStarter({ ...request, onNotice });
}

/** @param {LauncherTask} task @returns {Promise<Launcher>} */
async function workcellLauncher(task) {
  const { id, what } = task;
  const starter = await openCellStarter(task);
  return {
    id,
    what,
    launch: async (command, stdin = "ignore") => {
      const cell = await starter.start({ command, stdio: [stdin, "pipe", 2] });
      if (cell.stdout === null) throw new TypeError("There is no pipe at the cell's stdout.");
      let killed = false;
      const ended = cell.outcome.then((outcome) => {
        const { status, exitCode } = outcome;
        if (exitCode !== 0 && !(killed && status === "signalled"))
          throw new Error(`A cell ended with ${exitCode}: ${JSON.stringify(outcome)}`);
      });
      const kill = (/** @type {NodeJS.Signals} */ signal) => {
        killed = true;
        cell.kill(signal);
      };
      return { stdin: cell.stdin, stdout: cell.stdout, ended, kill };
    },
    close: () => starter.close(),
  };
}

/** Further commands in one cell that lives. @param {LauncherTask} task @returns {Promise<Launcher>} */
async function furtherLauncher(task) {
  const { id, what, installation } = task;
  const starter = await openCellStarter(task);
  const live = await starter.start({ command: ["sleep", "1000"], stdio: ["ignore", "pipe", 2] });
  await starter.close();
  const cell = { socket: live.plan.execSocket ?? "", acting: {} };
  return {
    id,
    what,
    launch: async (command, stdin = "ignore") => {
      const further = execFurther({ cell, installation, command, stdio: [stdin, "pipe", "inherit"] });
      if (further.stdout === null) throw new TypeError("There is no pipe at the command's stdout.");
      let killed = false;
      const ended = further.ended.then(({ exitCode, complaint }) => {
        if (exitCode !== 0 && !killed) throw new Error(`A command ended with ${exitCode}: ${complaint}`);
      });
      const kill = (/** @type {NodeJS.Signals} */ signal) => {
        killed = true;
        further.kill(signal);
      };
      return { stdin: further.stdin, stdout: further.stdout, ended, kill };
    },
    close: async () => {
      live.kill("SIGTERM");
      await live.outcome;
    },
  };
}

/** sandbox-runtime as its own documentation embeds it. @param {LauncherTask} task @returns {Promise<Launcher>} */
async function sandboxRuntimeLauncher({ id, what, installation }) {
  const door = pathToFileURL(path.join(installation, "dist/index.js")).href;
  const { SandboxManager } = await import(door);
  const network = { allowedDomains: ["example.com"], deniedDomains: [] };
  await SandboxManager.initialize({ network, filesystem: { denyRead: [], allowWrite: [], denyWrite: [] } });
  return {
    id,
    what,
    launch: async (command, stdin = "ignore") => {
      const line = await SandboxManager.wrapWithSandbox(command.join(" "));
      return launchedChild(spawn(line, { stdio: [stdin, "pipe", "inherit"], shell: true, detached: true }));
    },
    close: () => SandboxManager.reset(),
  };
}

/** @param {LauncherTask} task @returns {Promise<Launcher>} */
export async function openLauncher(task) {
  if (task.kind === "spawn") return spawnLauncher(task);
  if (task.kind === "further") return furtherLauncher(task);
  return task.kind === "workcell" ? workcellLauncher(task) : sandboxRuntimeLauncher(task);
}
