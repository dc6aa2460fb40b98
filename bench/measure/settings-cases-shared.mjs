/** @typedef {import("./settings-cases.mjs").Case} Case */
/** @typedef {import("./settings-cases.mjs").Result} Result */

/** What every working directory holds, for scripts to ask: the server's port, who started it, the host's namespaces, a socket. */
export const placedByRunner = ["port", "starter", "ipc", "uts", "host.sock"];

/**
 * A whole settings file: every key that must be there, and what a case changes.
 * @param {object} [filesystem]
 * @param {object} [network]
 * @param {object} [rest]
 */
export const settingsFile = (filesystem = {}, network = {}, rest = {}) => ({
  network: { allowedDomains: [], deniedDomains: [], ...network },
  filesystem: { denyRead: [], allowWrite: ["."], denyWrite: [], ...filesystem },
  ...rest,
});

/** A command said whether it could. @param {string} command */
export const attempt = (command) => `if (${command}) >/dev/null 2>&1; then echo DONE; else echo NOT; fi`;

/** @param {Result} result */
export const doneOrRefused = ({ stdout, code, stderr }) => {
  if (stdout.includes("DONE")) return "done";
  return stdout.includes("NOT") ? "refused" : `failed ${code} ${stderr.trim().slice(-60)}`;
};

/** Whether the file's secret came out. @param {Result} result */
export const seenOrHidden = ({ stdout, code }) => {
  if (stdout.includes("SECRET")) return "seen";
  return stdout.includes("ended") ? "hidden" : `failed ${code}`;
};

/** @param {string} id @param {string} title @param {string} command @param {Partial<Case>} [more] @returns {Case} */
export const writing = (id, title, command, more = {}) => ({
  id,
  title,
  script: attempt(command),
  answer: doneOrRefused,
  required: "refused",
  ...more,
});

/** @param {string} id @param {string} title @param {string} command @param {Partial<Case>} [more] @returns {Case} */
export const reading = (id, title, command, more = {}) => ({
  id,
  title,
  script: `${command} 2>/dev/null; echo ended`,
  answer: seenOrHidden,
  required: "hidden",
  ...more,
});
