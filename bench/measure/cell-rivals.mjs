import path from "node:path";
import { findProgram } from "../../scripts/setup/run-program.mjs";
import { writeCrunBundle } from "./crun-bundle.mjs";
import { bareCell, crunWords, firejailWords } from "./rivals.mjs";

/** @typedef {import("./launchers.mjs").LauncherTask} LauncherTask */

/** Rivals that the person may install, and how. */
const installable = ["crun", "firejail"];

/**
 * Every way to start a command from a process that stays: the bare one that the others are set against, Workcell's
 * two, and the rivals'.
 * @param {{ sandboxRuntime: string, workcell: string, surroundings: import("./surroundings.mjs").Surroundings }} places
 * @param {readonly string[]} command what crun is to run: its bundles hold their command
 */
export function cellLaunchers({ sandboxRuntime, workcell, surroundings: { cwd, env, folder } }, command) {
  const missing = installable.filter((name) => findProgram(name, env) === undefined);
  /** @type {Omit<LauncherTask, "installation">[]} */
  const all = [
    { id: "spawn", what: "no sandbox", kind: "spawn", words: [] },
    { id: "direct", what: "Workcell, direct", kind: "workcell", words: ["direct"] },
    { id: "socat", what: "Workcell, socat", kind: "workcell", words: ["socat"] },
    { id: "further", what: "Workcell, further command", kind: "further", words: ["direct"] },
    { id: "bwrap", what: "bwrap --unshare-all", kind: "spawn", words: bareCell(cwd) },
    {
      ...{ id: "crun", what: "crun run", kind: "spawn", holdsCommand: true },
      words: crunWords(writeCrunBundle(folder, command), "bench-{id}"),
    },
    { id: "firejail", what: "firejail", kind: "spawn", words: firejailWords },
    { id: "sandbox-runtime", what: "sandbox-runtime, its library", kind: "sandbox-runtime", words: [] },
  ];
  const installation = (/** @type {string} */ kind) =>
    kind === "workcell" || kind === "further" ? workcell : sandboxRuntime;
  return {
    launchers: all
      .filter(({ id }) => !missing.includes(id))
      .map((task) => ({ ...task, installation: installation(task.kind) })),
    leftOut: missing.map((name) => ({
      id: name,
      what: name,
      why: `not installed (apt-get install -y ${name})`,
    })),
  };
}

/** Of those that are not Workcell's own one may not work here, and is left out then. @param {LauncherTask} task */
export const isRival = ({ kind, words }) =>
  kind === "sandbox-runtime" || (kind === "spawn" && words.length > 0);

/** @param {string} bin sandbox-runtime's command @returns {string} its folder */
export const sandboxRuntimeFolder = (bin) => path.join(path.dirname(bin), "../@anthropic-ai/sandbox-runtime");
