import { spawn } from "node:child_process";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { Stop } from "../setup/stop.mjs";

/**
 * What the cell's one command does: both acts, one after the other, each announced on stdout when it has ended.
 * Without a registry npm runs no install script, so that the script is then run by hand.
 */
const script = `
say() { printf '@@act %s %s\\n' "$1" "$2"; }
say begun "$HOME"
npm install --no-progress; say install $?
[ -e attempts.json ] || node vendor/word-stats/postinstall.js
npm run --silent summarize; say summarize $?
`;

/**
 * @typedef {object} Act
 * @property {string} name
 * @property {string} value what the cell said with it: the exit code, or for "begun" its home
 * @property {number} code
 * @property {number} ms since the act before
 * @property {string} stdout
 * @property {string} stderr
 */

/** @param {AsyncIterable<string>} stream */
async function* linesOf(stream) {
  let rest = "";
  for await (const text of stream) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/** @typedef {{ workcell: string, copy: string, key: string, outcome: string, mode: "review" | "rw" }} Job */

/** @param {Job} job */
function wordsOf({ copy, key, outcome, mode }) {
  const cell = ["--profile", "cowork", "--mount", `src=${copy},name=first-job,mode=${mode}`];
  const inside = ["--workdir", "mnt/first-job", "--env", `FIRST_JOB_KEY=${key}`];
  return ["run", ...cell, ...inside, "--outcome", outcome, "--", "sh", "-c", script];
}

/**
 * Runs the job in one cell and yields each act as it ends.
 * @param {Job} job
 * @returns {AsyncGenerator<Act>}
 */
export async function* runJob(job) {
  const child = spawn(job.workcell, wordsOf(job), {
    cwd: path.dirname(job.copy),
    stdio: ["ignore", "pipe", "pipe"],
  });
  /** @type {Promise<number>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 128));
  });
  let [stderr, stdout, begun] = ["", "", performance.now()];
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  for await (const line of linesOf(child.stdout.setEncoding("utf8"))) {
    const [, name, value = ""] = /^@@act (\S+) (.*)$/.exec(line) ?? [];
    if (name === undefined) {
      stdout += `${line}\n`;
      continue;
    }
    yield { name, value, code: Number(value), ms: performance.now() - begun, stdout, stderr };
    [stderr, stdout, begun] = ["", "", performance.now()];
  }
  const code = await ended;
  if (code !== 0) throw new Stop(`The job's cell ended with ${code}.`, stderr.trim());
}
