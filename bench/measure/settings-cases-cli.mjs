/** @typedef {import("./settings-cases.mjs").Case} Case */

const exitCode = (/** @type {{ code: number | null }} */ { code }) => `${code}`;
/** @type {Case["answer"]} */
const started = ({ code, stdout }) => {
  if (stdout.includes("RAN")) return "it ran";
  return code === 0 ? "0, silent" : "not started";
};

/** @type {readonly Case[]} */
export const cliCases = [
  { id: "1.1", title: "a command's own exit code", script: "exit 7", answer: exitCode, required: "7" },
  {
    id: "1.2",
    title: "a command that is not there: 127",
    words: ["no-such-command"],
    answer: exitCode,
    required: "127",
  },
  {
    id: "1.3",
    title: "a command killed by SIGKILL: 137",
    script: "kill -9 $$",
    answer: exitCode,
    required: "137",
  },
  {
    id: "1.4",
    title: "words stay words: blanks, quotes, $HOME, JSON",
    words: ["printf", "%s|", "a b", "$HOME", "it's", '{"a": [1]}', "*"],
    answer: ({ stdout }) => (stdout === `a b|$HOME|it's|{"a": [1]}|*|` ? "as given" : "changed"),
    required: "as given",
  },
  {
    id: "1.5",
    title: "stdin goes through",
    script: "cat",
    input: "one\ntwo\n",
    answer: ({ stdout }) => (stdout === "one\ntwo\n" ? "whole" : "not whole"),
    required: "whole",
  },
  {
    id: "1.6",
    title: "stdout and stderr stay apart",
    script: "echo out; echo err >&2",
    answer: ({ stdout, stderr }) =>
      stdout === "out\n" && stderr.includes("err\n") ? "apart" : `mixed: ${stdout}${stderr}`,
    required: "apart",
  },
  {
    id: "1.7",
    title: "settings that are no JSON",
    text: "{ not json",
    script: "echo RAN",
    answer: started,
    required: "not started",
  },
  {
    id: "1.8",
    title: "an empty settings file",
    text: "",
    script: "echo RAN",
    answer: started,
    required: "not started",
  },
  {
    id: "1.9",
    title: "a settings file that is not there",
    file: "missing",
    script: "echo RAN",
    answer: started,
    required: "not started",
  },
  {
    id: "1.10",
    title: "a value of the wrong kind",
    text: '{"network":{"allowedDomains":"a.example","deniedDomains":[]},"filesystem":{"denyRead":[],"allowWrite":[],"denyWrite":[]}}',
    script: "echo RAN",
    answer: started,
    required: "not started",
  },
  {
    id: "1.11",
    title: "a key misspelt: denyReads",
    text: '{"network":{"allowedDomains":[],"deniedDomains":[]},"filesystem":{"denyRead":[],"denyReads":["secret"],"allowWrite":[],"denyWrite":[]}}',
    script: "echo RAN",
    answer: started,
    required: "not started",
  },
  {
    id: "1.12",
    title: "every documented key that has a meaning on Linux or none",
    text: JSON.stringify({
      network: {
        allowedDomains: ["*.example.org:443"],
        deniedDomains: ["bad.example.org"],
        strictAllowlist: true,
        deniedResolvedAddresses: ["10.0.0.0/8"],
        allowUnixSockets: ["/run/x.sock"],
        allowLocalBinding: true,
      },
      filesystem: { denyRead: ["~/.ssh"], allowRead: [], allowWrite: ["."], denyWrite: [".env"] },
      ignoreViolations: { "*": ["/usr/bin"] },
      enableWeakerNestedSandbox: false,
      allowAppleEvents: false,
      ripgrep: { command: "rg" },
      mandatoryDenySearchDepth: 2,
    }),
    script: "echo RAN",
    answer: started,
    required: "it ran",
  },
];
