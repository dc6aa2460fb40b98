import { findProgram } from "../../scripts/setup/run-program.mjs";
import { writeCrunBundle } from "./crun-bundle.mjs";

/**
 * @typedef {object} Rival
 * @property {string} id
 * @property {string} what the row's title
 * @property {readonly string[]} argv ends by itself, with 0
 * @property {NodeJS.ProcessEnv} [env] besides the surroundings'
 * @property {boolean} [optional] true when the others are measured without it
 */

/** @typedef {import("./set-up.mjs").Installed} Installed */
/** @typedef {import("./surroundings.mjs").Surroundings} Surroundings */

/** The namespaces and mounts that a launcher for agents asks for at the least; no filter, no network, no records. */
const bareCell = (/** @type {string} */ cwd) => [
  ...["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
  ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"],
  ...["--bind", cwd, cwd, "--chdir", cwd, "--", "true"],
];

/** @param {Surroundings} surroundings @returns {Rival[]} */
function otherLaunchers({ folder, env }) {
  const rivals = [];
  if (findProgram("crun", env) !== undefined) {
    const bundle = writeCrunBundle(folder);
    const argv = [
      "crun",
      "--root",
      `${bundle}/state`,
      "--cgroup-manager=disabled",
      "run",
      "-b",
      bundle,
      "bench",
    ];
    rivals.push({ id: "crun", what: "crun run", argv, optional: true });
  }
  if (findProgram("firejail", env) !== undefined) {
    const flags = ["--quiet", "--noprofile", "--net=none", "--private", "--caps.drop=all", "--seccomp"];
    rivals.push({ id: "firejail", what: "firejail", argv: ["firejail", ...flags, "true"], optional: true });
  }
  return rivals;
}

/**
 * Everything that is measured, each a whole process from its start to its end.
 * @param {Installed} installed
 * @param {Surroundings} surroundings
 * @returns {Rival[]}
 */
export function startRivals({ node, workcell, sandboxRuntime }, surroundings) {
  const withCa = { NODE_EXTRA_CA_CERTS: surroundings.certificates };
  return [
    { id: "node", what: "node -e 0", argv: [node, "-e", "0"] },
    { id: "node-ca", what: "node -e 0, NODE_EXTRA_CA_CERTS set", argv: [node, "-e", "0"], env: withCa },
    { id: "bwrap", what: "bwrap --unshare-all", argv: bareCell(surroundings.cwd) },
    ...otherLaunchers(surroundings),
    { id: "workcell", what: "workcell run", argv: [workcell, "run", "--", "true"] },
    {
      id: "workcell-ca",
      what: "workcell run, NODE_EXTRA_CA_CERTS set",
      argv: [workcell, "run", "--", "true"],
      env: withCa,
    },
    {
      id: "workcell-cowork",
      what: "workcell run --profile cowork",
      argv: [workcell, "run", "--profile", "cowork", "--", "true"],
    },
    { id: "sandbox-runtime", what: "sandbox-runtime (srt)", argv: [sandboxRuntime, "true"] },
  ];
}
