import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { Stop } from "../setup/stop.mjs";
import { judgeHidden, judgeInstall, judgeRefused, judgeSummarize } from "./judge.mjs";
import { readAudit, readOutside } from "./observe.mjs";
import { chooseFolder, chooseKey, copyJob, dataFolder, readFromCell } from "./prepare.mjs";
import { reviewJob, undoOne, whyNoReview } from "./review.mjs";
import { runJob } from "./run-job.mjs";

/** @typedef {import("./run-job.mjs").Act} Act */
/** @typedef {import("./judge.mjs").Verdict} Verdict */
/** @typedef {{ session: string, copy: string, mode: "review" | "rw" } | { verdict: Verdict }} Seen */

/**
 * What the install script says it tried; undefined when it left nothing that can be read as that.
 * @param {string} copy
 * @returns {import("./judge.mjs").Attempts | undefined}
 */
function readAttempts(copy) {
  try {
    const { reads, posted } = JSON.parse(readFromCell(path.join(copy, "attempts.json")) ?? "");
    return Array.isArray(reads) && typeof posted === "object" ? { reads, posted } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs the job on a copy of the example and yields what was seen: first the session, then a verdict for each act.
 * @param {{ root: string, state: string, workcell: string }} where
 * @returns {AsyncGenerator<Seen>}
 */
export async function* firstJob({ root, state, workcell }) {
  const folder = await chooseFolder(root);
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    const outcome = path.join(state, "first-job.outcome.json");
    rmSync(outcome, { force: true });
    const copy = copyJob(root, folder);
    const mode = (await whyNoReview(workcell, copy)) === undefined ? "review" : "rw";
    yield* watchJob({ workcell, copy, key: chooseKey(state), outcome, mode }, { root, state });
  } finally {
    if (folder !== dataFolder()) rmSync(folder, { recursive: true });
  }
}

/**
 * An act is judged when the next one has ended, so that the gate has written down all of its connections.
 * @param {Omit<import("./run-job.mjs").Job, "key"> & { key: import("./prepare.mjs").Key }} job
 * @param {{ root: string, state: string }} where
 * @returns {AsyncGenerator<Seen>}
 */
async function* watchJob(job, { root, state }) {
  const { workcell, copy, key, outcome, mode } = job;
  /** @type {Map<string, Act>} */
  const acts = new Map();
  let session = "";
  for await (const act of runJob({ ...job, key: key.path })) {
    acts.set(act.name, act);
    if (act.name === "begun") {
      session = path.basename(act.value);
      yield { session, copy, mode };
    }
    if (act.name === "summarize") yield { verdict: installed(acts, readAudit(state, session)) };
  }
  const summarized = acts.get("summarize");
  if (summarized === undefined) throw new Stop("The job's cell ended before its acts did.");
  const reviewed = { workcell, copy, session };
  // What the job wrote is read where the person finds it: in their folder, once they have applied it.
  const steps = mode === "review" ? await reviewJob(reviewed) : [];
  yield { verdict: judgeSummarize({ ...summarized, summary: readFromCell(path.join(copy, "summary.md")) }) };
  const attempts = readAttempts(copy);
  const { denials } = JSON.parse(readFileSync(outcome, "utf8"));
  yield { verdict: judgeRefused({ attempts, audit: readAudit(state, session), denials }) };
  yield { verdict: judgeHidden({ attempts, key, control: await readOutside(root, key.path) }) };
  for (const verdict of steps) yield { verdict };
  if (mode === "review") yield { verdict: await undoOne(reviewed) };
}

/**
 * @param {ReadonlyMap<string, Act>} acts
 * @param {readonly import("./judge.mjs").AuditLine[]} audit
 */
function installed(acts, audit) {
  const act = acts.get("install");
  if (act === undefined) throw new Error("The cell announced the second act before the first");
  return judgeInstall({ ...act, audit });
}
