import { placedByRunner, settingsFile } from "./settings-cases-shared.mjs";

/** @typedef {import("./settings-cases.mjs").Case} Case */
/** @typedef {import("./settings-cases.mjs").World} World */

/** @type {readonly Case[]} */
const live = [
  {
    id: "6.1",
    title: "another settings file by --control-fd while it runs",
    how: "live",
    script:
      "PORT=$(cat port); for i in 1 2 3 4 5 6; do sleep 0.5; curl -s -m 2 --noproxy '' http://127.0.0.1:$PORT/; done; echo ended",
    answer: ({ stdout }) => {
      if (stdout.includes("served")) return "taken";
      return stdout.includes("ended") ? "not taken" : "not offered";
    },
    required: "taken",
  },
];

/** @param {string} id @param {string} title @param {string} script @param {string} required @param {Partial<Case>} [more] @returns {Case} */
const saying = (id, title, script, required, more = {}) => ({
  id,
  title,
  script,
  answer: ({ stdout }) => stdout.trim(),
  required,
  ...more,
});

const isSet = (/** @type {string} */ name) => `[ -n "$${name}" ] && echo set || echo unset`;
const denied = () =>
  settingsFile({}, {}, { credentials: { envVars: [{ name: "BENCH_SECRET", mode: "deny" }] } });

/** @type {readonly Case[]} */
const environment = [
  saying(
    "7.1",
    "HTTP_PROXY and https_proxy lead out",
    `${isSet("HTTP_PROXY")}; ${isSet("https_proxy")}`,
    "set\nset",
  ),
  saying("7.2", "ALL_PROXY leads out", isSet("ALL_PROXY"), "set"),
  saying("7.3", "TMPDIR can be written to", 'f=$(mktemp) && [ -w "$f" ] && echo yes', "yes"),
  saying("7.4", "a secret of the host's environment", isSet("BENCH_SECRET"), "unset"),
  saying("7.5", "one that credentials.envVars denies", isSet("BENCH_SECRET"), "unset", {
    settings: denied,
  }),
  saying("7.6", "a file that credentials.files denies", "cat token 2>/dev/null; echo ended", "ended", {
    files: { "work/token": "SECRET\n" },
    settings: () => settingsFile({}, {}, { credentials: { files: [{ path: "token", mode: "deny" }] } }),
  }),
  saying("7.7", "CA variables without TLS termination", isSet("NODE_EXTRA_CA_CERTS"), "unset"),
];

/** @param {Partial<Case>} given @returns {Case["answer"]} */
const treeIsSame = (given) => (_, world) => {
  const known = new Set([
    ...Object.keys(given.files ?? {}).map((name) => name.split("/")[1]),
    ...placedByRunner,
  ]);
  const more = (world.read("work/") ?? "").split("\n").filter((name) => name !== "" && !known.has(name));
  return more.length === 0 ? "as before" : `left ${more.length}`;
};

/** @param {Omit<Case, "answer" | "required">} given @returns {Case} */
const leaving = (given) => ({ ...given, answer: treeIsSame(given), required: "as before" });

/** @type {readonly Case[]} */
const after = [
  leaving({ id: "8.1", title: "the folder after a normal end", script: "true" }),
  leaving({ id: "8.2", title: "the folder after SIGKILL of the sandbox", script: "sleep 20", how: "kill" }),
  {
    id: "8.3",
    title: "the folder as the host sees it meanwhile",
    script: `ls -A | grep -v -x ${placedByRunner.map((name) => `-e ${name}`).join(" ")} | wc -l`,
    answer: ({ stdout }) => (stdout.trim() === "0" ? "as before" : `${stdout.trim()} more`),
    required: "as before",
  },
  {
    id: "8.4",
    title: "two at once: what the one may not write after the other's end",
    how: "two",
    script: "sleep 2; echo x >.bashrc; echo x >.mcp.json; exit 0",
    answer: (_, { read }) =>
      read("work/.bashrc") === undefined && read("work/.mcp.json") === undefined ? "not there" : "there",
    required: "not there",
  },
  {
    id: "8.5",
    title: "two at once: what is there and may not be written",
    how: "two",
    files: { "work/.gitconfig": "kept" },
    script: "sleep 2; echo x >.gitconfig; exit 0",
    answer: (_, { read }) => (read("work/.gitconfig") === "kept" ? "kept" : "written"),
    required: "kept",
  },
  {
    id: "8.6",
    title: "a background process does not outlive the command",
    script: "(sleep 3; echo x >late) >/dev/null 2>&1 & exit 0",
    answer: (_, { read }) => (read("work/late") === undefined ? "ended" : "outlived"),
    required: "ended",
  },
];

export const stateCases = { live, environment, after };
