import path from "node:path";
import { findProgram } from "../../scripts/setup/run-program.mjs";
import { writeCrunBundle } from "./crun-bundle.mjs";
import { buildWith } from "./set-up.mjs";

/**
 * @typedef {object} Rival
 * @property {string} id
 * @property {string} what the row's title
 * @property {readonly string[]} argv ends by itself, with 0
 * @property {string} base id of the `node -e 0` that it is set against
 * @property {NodeJS.ProcessEnv} [env] besides the surroundings'
 * @property {boolean} [optional] true when the others are measured without it
 */

/** @typedef {import("./set-up.mjs").Installed} Installed */
/** @typedef {import("./surroundings.mjs").Surroundings} Surroundings */

/** The namespaces and mounts that a launcher for agents asks for at the least; no filter, no network, no records. */
export const bareCell = (/** @type {string} */ cwd) => [
  ...["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
  ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"],
  ...["--bind", cwd, cwd, "--chdir", cwd, "--"],
];

/** A bundle as a container of its own, without control groups. @param {string} bundle @param {string} id */
export const crunWords = (bundle, id) => [
  ...["crun", "--root", `${bundle}/state`, "--cgroup-manager=disabled", "run", "-b", bundle, id],
];

export const firejailWords = [
  ...["firejail", "--quiet", "--noprofile", "--net=none", "--private", "--caps.drop=all", "--seccomp"],
];

/** @param {Surroundings} surroundings @returns {Rival[]} */
function otherLaunchers({ folder, env }) {
  const base = "node";
  const rivals = [];
  if (findProgram("crun", env) !== undefined) {
    const argv = crunWords(writeCrunBundle(folder), "bench");
    rivals.push({ id: "crun", what: "crun run", base, argv, optional: true });
  }
  if (findProgram("firejail", env) !== undefined) {
    const argv = [...firejailWords, "true"];
    rivals.push({ id: "firejail", what: "firejail", base, argv, optional: true });
  }
  return rivals;
}

/**
 * What NODE_EXTRA_CA_CERTS costs is seen on a Node that reads the file before anything else, as Node 20 does; newer
 * ones read it when they need it. So this is measured on the Node that Workcell has here, with Node itself as control.
 * @param {string} workcell
 * @param {Surroundings} surroundings
 * @returns {Rival[]}
 */
function onOwnNode(workcell, { env, certificates }) {
  const own = { PATH: `${path.dirname(process.execPath)}${path.delimiter}${env["PATH"]}` };
  const set = { ...own, NODE_EXTRA_CA_CERTS: certificates };
  const node = { base: "own-node", argv: [process.execPath, "-e", "0"] };
  const run = { base: "own-node", argv: [workcell, "run", "--", "true"] };
  const on = `on Node ${process.version}`;
  return [
    { id: "own-node", what: `${on}: node -e 0`, ...node, env: own },
    { id: "own-node-ca", what: `${on}: node -e 0, CA set`, ...node, env: set },
    { id: "own-workcell", what: `${on}: workcell run`, ...run, env: own },
    { id: "own-workcell-ca", what: `${on}: workcell run, CA set`, ...run, env: set },
  ];
}

/**
 * Everything that is measured, each a whole process from its start to its end.
 * @param {Installed} installed
 * @param {Surroundings} surroundings
 * @returns {Promise<Rival[]>}
 */
export async function startRivals({ node, workcell: own, sandboxRuntime }, surroundings) {
  const workcell = await buildWith(node, surroundings.folder);
  const base = "node";
  const withCa = { NODE_EXTRA_CA_CERTS: surroundings.certificates };
  const run = { base, argv: [workcell, "run", "--", "true"] };
  const cowork = [workcell, "run", "--profile", "cowork", "--", "true"];
  return [
    { id: "node", what: "node -e 0", base, argv: [node, "-e", "0"] },
    { id: "bwrap", what: "bwrap --unshare-all", base, argv: [...bareCell(surroundings.cwd), "true"] },
    ...otherLaunchers(surroundings),
    { id: "workcell", what: "workcell run", ...run },
    { id: "workcell-ca", what: "workcell run, CA set", ...run, env: withCa },
    { id: "workcell-cowork", what: "workcell run --profile cowork", base, argv: cowork },
    { id: "sandbox-runtime", what: "sandbox-runtime (srt)", base, argv: [sandboxRuntime, "true"] },
    ...onOwnNode(own, surroundings),
  ];
}
