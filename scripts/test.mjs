import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setUpCheckout } from "./setup/checkout.mjs";
import { makePage } from "./setup/page.mjs";
import { runProgram } from "./setup/run-program.mjs";
import { againAlone, unsteadyLines, withSecond } from "./setup/second-look.mjs";
import { ending } from "./setup/stop.mjs";
import { setUpSystem } from "./setup/system.mjs";
import { setUpTestPrograms } from "./setup/test-programs.mjs";
import { addUp, failedLines, totalsLine } from "./setup/test-totals.mjs";

const root = path.resolve(import.meta.dirname, "..");

/** What is held beside the unit tests; each is a program of node_modules/.bin with its words. */
const checks = [
  ["biome", "ci", "."],
  ["tsc", "--noEmit"],
];

/** Integration tests measure time and count processes, so they have the machine to themselves. */
const rounds = [["unit", "contract"], ["integration"]];

/**
 * @param {readonly string[]} words
 * @param {{ show: boolean }} options whether its output is shown as it comes, or at its end
 */
async function runTool([program = "", ...words], { show }) {
  const file = path.join(root, "node_modules/.bin", program);
  const { code, stdout, stderr } = await runProgram(file, words, { cwd: root, show });
  if (!show) process.stdout.write(`\n${[program, ...words].join(" ")}\n${stdout}${stderr}`);
  return code;
}

/**
 * Runs some projects of the tests, and reads what Vitest counted.
 * @param {readonly string[]} projects
 * @param {{ folder: string, files?: readonly string[] }} options where reports go; which files alone, one after the other
 */
async function runTests(projects, { folder, files = [] }) {
  const file = path.join(folder, `${projects.join("-")}${files.length > 0 ? "-again" : ""}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const chosen = projects.flatMap((project) => ["--project", project]);
  const words = ["vitest", "run", ...chosen, ...reporters, ...files];
  const code = await runTool(files.length > 0 ? [...words, "--no-file-parallelism"] : words, { show: true });
  /** @type {import("./setup/test-totals.mjs").VitestReport} */
  const report = JSON.parse(readFileSync(file, "utf8"));
  return { code, report };
}

/**
 * The same; what failed beside other tests of real cells is looked at once more by itself.
 * @param {readonly string[]} projects
 * @param {string} folder
 */
async function runRound(projects, folder) {
  const first = await runTests(projects, { folder });
  const files = projects.includes("integration") ? againAlone(first.report, root) : [];
  if (files.length === 0) return { ...first, unsteady: [] };
  const second = await runTests(projects, { folder, files });
  const unsteady = unsteadyLines(first.report, second.report, root);
  return { code: second.code, report: withSecond(first.report, second.report), unsteady };
}

/**
 * `npm test`: alone in a fresh clone, from nothing to the last test.
 * @returns {Promise<number>} exit code
 */
async function main() {
  const page = makePage(process.stdout, process.env);
  page.line(await setUpSystem({ compiling: true, pending: page.pending }));
  page.line(await setUpTestPrograms({ pending: page.pending }));
  page.line(await setUpCheckout(root, { testing: true, pending: page.pending }));
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-test-"));
  try {
    const checked = checks.map((check) => runTool(check, { show: false }));
    const done = [];
    for (const projects of rounds) {
      done.push(await runRound(projects, folder));
      // Whatever ran beside the first round has ended before the second.
      await Promise.all(checked);
    }
    const codes = await Promise.all(checked);
    const reports = done.map(({ report }) => report);
    const totals = addUp(reports);
    page.line(totalsLine(totals));
    for (const line of failedLines(reports, root)) page.line(line);
    for (const line of done.flatMap(({ unsteady }) => unsteady))
      page.line(`${line} (passed when it ran alone)`);
    for (const [at, check] of checks.entries())
      if (codes[at] !== 0) page.line(`failed  ${check.join(" ")}: it ended with ${codes[at]}`);
    codes.push(...done.map(({ code }) => code), totals.failed, totals.passed > 0 ? 0 : 1);
    return codes.every((code) => code === 0) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await ending(main);
