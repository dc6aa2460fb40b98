import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { askAudit, askDoctor, askReport } from "./first-job/ask-workcell.mjs";
import { firstJob } from "./first-job/first-job.mjs";
import { dataFolder, stateFolder } from "./first-job/prepare.mjs";
import { firstTask } from "./first-task/first-task.mjs";
import { missingFromCheckout, setUpCheckout } from "./setup/checkout.mjs";
import { makePage } from "./setup/page.mjs";
import { personPath } from "./setup/person-path.mjs";
import { ending } from "./setup/stop.mjs";
import { setUpSystem } from "./setup/system.mjs";

const root = path.resolve(import.meta.dirname, "..");
const workcell = path.join(root, "bin/workcell");

/** @typedef {ReturnType<typeof makePage>} Page */

/**
 * One numbered step: its line is printed when it has ended.
 * @param {Page} page
 * @param {string} label
 * @param {(pending: (what: string) => void) => Promise<string>} work
 */
async function step(page, label, work) {
  const begun = performance.now();
  const text = await work((what) => page.pending(`${label.padEnd(14)} ${what}`));
  page.step(label, text, performance.now() - begun);
}

/** Where the report goes: the checkout, or Workcell's state where the checkout belongs to somebody else. */
function reportFile() {
  try {
    accessSync(root, constants.W_OK);
    return path.join(root, "report.md");
  } catch {
    return path.join(stateFolder(), "report.md");
  }
}

/** Whether the person can write `workcell` as it is printed. */
const isOnPath = () =>
  (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .some((folder) => folder !== "" && existsSync(path.join(folder, "workcell")));

/**
 * The four acts; returns the session they ran in and whether each was as it should be.
 * @param {Page} page
 */
async function runFirstJob(page) {
  let session = "";
  /** @type {"review" | "rw"} */
  let mode = "review";
  let asExpected = true;
  page.pending(`${"[4/5] job".padEnd(14)} starting a cell`);
  for await (const seen of firstJob({ root, state: stateFolder(), workcell })) {
    if ("session" in seen) {
      ({ session, mode } = seen);
      const elsewhere = seen.copy.startsWith(dataFolder()) ? "" : ` (copied to ${path.dirname(seen.copy)})`;
      const how = seen.mode === "review" ? "in review" : "rw (this machine has no disk for review)";
      page.step(
        "[4/5] job",
        `session ${session}, profile cowork, folder examples/first-job ${how}${elsewhere}`,
      );
      page.line();
      page.pending("  npm install");
    } else {
      page.act(seen.verdict);
      asExpected &&= seen.verdict.word !== "FAIL";
    }
  }
  page.line();
  return { session, mode, asExpected };
}

/**
 * The scripted task of the built-in agent; returns whether it went as it should.
 * @param {Page} page
 * @param {"review" | "rw"} mode
 */
async function runFirstTask(page, mode) {
  let asExpected = true;
  page.pending(`${"[5/5] agent".padEnd(14)} starting a cell`);
  for await (const seen of firstTask({ root, workcell, mode })) {
    if ("session" in seen) {
      page.step(
        "[5/5] agent",
        `session ${seen.session}, the built-in agent: "${seen.task}" in examples/first-task`,
      );
      page.line();
    } else {
      page.act(seen.verdict);
      asExpected &&= seen.verdict.word !== "FAIL";
    }
  }
  page.line();
  return asExpected;
}

/**
 * `npm start`: from a fresh clone to a job done in a cell. Each line is printed when it has been seen to be so.
 * @returns {Promise<number>} exit code
 */
async function main() {
  const page = makePage(process.stdout, process.env);
  process.env["PATH"] = personPath(process.env);
  const compiling = missingFromCheckout(root, { testing: false }).build;
  await step(page, "[1/5] system", (pending) => setUpSystem({ compiling, pending }));
  await step(page, "[2/5] build", (pending) => setUpCheckout(root, { testing: false, pending }));
  await step(page, "[3/5] doctor", () => askDoctor(workcell));
  const report = reportFile();
  // It mostly waits for cells of its own, and so does what follows.
  const reported = askReport(workcell, report);
  reported.catch(() => {});
  const { session, mode, asExpected } = await runFirstJob(page);
  const isTaskDone = await runFirstTask(page, mode);
  page.pending("Reference  observing a fresh cell");
  page.tail("Reference", await reported, path.dirname(report) === root ? path.basename(report) : report);
  const { decisions, refused, intact } = await askAudit(workcell, session);
  const chain = intact ? "chain intact" : "CHAIN BROKEN";
  page.tail(
    "Audit",
    `${decisions} ${decisions === 1 ? "decision" : "decisions"} of the job, ${refused} refused, ${chain}`,
    `workcell audit --session ${session}`,
  );
  page.tail("Next", "in a folder of yours: workcell run -m . -- COMMAND, then: workcell diff");
  page.tail("", 'or: workcell agent -m . "TASK"');
  if (!isOnPath()) page.tail("", `workcell is ${workcell}; README.md says how it comes on your PATH`);
  return asExpected && isTaskDone && intact ? 0 : 1;
}

await ending(main);
