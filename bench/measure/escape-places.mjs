import { writeFileSync } from "node:fs";
import path from "node:path";
import { findProgram } from "../../scripts/setup/run-program.mjs";

/** @typedef {import("../../test/security/escape/index.ts").Place} Place */
/** @typedef {import("../../test/security/escape/index.ts").Alone} Alone */
/** @typedef {Parameters<Place["words"]>[0]} Stage */

/**
 * @typedef {object} Column
 * @property {string} id
 * @property {string} title
 * @property {string} how the words before the command, as a person types them
 * @property {Place} [place] absent: it is not run
 * @property {string} [why] why not, and what to do
 */

const usualBwrap = [
  "bwrap",
  "--unshare-all",
  "--ro-bind",
  "/",
  "/",
  "--dev",
  "/dev",
  "--proc",
  "/proc",
  "--tmpfs",
  "/tmp",
];
const usualFirejail = [
  "firejail",
  "--quiet",
  "--profile=default",
  "--net=none",
  "--private-dev",
  "--private-tmp",
];

/** @type {Place} */
const bwrap = { words: ({ work }) => [...usualBwrap, "--bind", work, work, "--chdir", work, "--"] };

/** @type {Place} */
const firejail = { words: ({ readOnly }) => [...usualFirejail, `--read-only=${readOnly}`, "--"] };

/** What its documentation shows: the working folder writable, no network, keys not readable. @param {string} program @param {string} node */
const sandboxRuntime = (program, node) => ({
  /** @param {Stage} stage */
  words({ folder, work }) {
    const settings = path.join(folder, "srt.json");
    const filesystem = { denyRead: ["~/.ssh"], allowWrite: [work], denyWrite: [] };
    writeFileSync(
      settings,
      JSON.stringify({ network: { allowedDomains: [], deniedDomains: [] }, filesystem }),
    );
    return [program, "--settings", settings];
  },
  env: { PATH: `${path.dirname(node)}${path.delimiter}${process.env["PATH"]}` },
});

/** @param {string} program */
const workcell = (program) => ({
  /** @param {Stage} stage @param {Alone | undefined} alone */
  words: ({ work, readOnly }, alone) => [
    ...[program, "run", "-m", `${work}:rw`, "-m", `${readOnly}:ro`, ...(alone?.flags ?? []), "--"],
  ],
});

/**
 * Every place that attempts are compared in, the first one being none.
 * @param {import("./set-up.mjs").Installed} installed
 * @param {Place} noSandbox
 * @returns {Column[]}
 */
export function escapeColumns(installed, noSandbox) {
  const hasFirejail = findProgram("firejail") !== undefined;
  return [
    { id: "none", title: "no sandbox", how: "sh -c", place: noSandbox },
    { id: "bwrap", title: "bwrap", how: `${usualBwrap.join(" ")} --bind WORK WORK`, place: bwrap },
    {
      id: "firejail",
      title: "firejail",
      how: `${usualFirejail.join(" ")} --read-only=RO`,
      ...(hasFirejail ? { place: firejail } : { why: "not installed: apt-get install -y firejail" }),
    },
    {
      id: "sandbox-runtime",
      title: "sandbox-runtime",
      how: "srt, with allowedDomains [], allowWrite [WORK], denyRead [~/.ssh]",
      place: sandboxRuntime(installed.sandboxRuntime, installed.node),
    },
    {
      id: "workcell",
      title: "workcell",
      how: "workcell run -m WORK:rw -m RO:ro; in section H with the limit that its row names",
      place: workcell(installed.workcell),
    },
  ];
}
