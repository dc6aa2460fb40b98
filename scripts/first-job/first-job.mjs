import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { judgeHidden, judgeInstall, judgeRefused, judgeSummarize } from "./judge.mjs";
import { readAuditCopy, readOutside } from "./observe.mjs";
import { chooseKey, copyJob, readFromCell } from "./prepare.mjs";
import { runJob } from "./run-job.mjs";

/** @typedef {import("./run-job.mjs").Act} Act */
/** @typedef {import("./judge.mjs").Verdict} Verdict */

/** @param {string} file */
function readJson(file) {
  const text = readFromCell(file);
  return text === undefined ? undefined : JSON.parse(text);
}

/**
 * Runs the job on a copy of the example and yields what was seen: first the session, then a verdict for each act.
 * An act is judged when the next one begins, so that the gate has written down all of its connections.
 * @param {{ root: string, state: string, workcell: string }} where
 * @returns {AsyncGenerator<{ session: string } | { verdict: Verdict }>}
 */
export async function* firstJob({ root, state, workcell }) {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const copy = copyJob(root, state);
  const key = chooseKey(state);
  const outcome = path.join(state, "first-job.outcome.json");
  const audit = path.join(state, "first-job.audit.jsonl");
  for (const file of [outcome, audit]) rmSync(file, { force: true });

  /** @type {Map<string, Act>} */
  const acts = new Map();
  for await (const act of runJob({ workcell, copy, key: key.path, outcome, audit })) {
    acts.set(act.name, act);
    if (act.name === "begun") yield { session: path.basename(act.value) };
    if (act.name === "summarize") yield { verdict: installed(acts, audit) };
  }
  const summarized = acts.get("summarize");
  if (summarized === undefined) return;
  yield { verdict: judgeSummarize({ ...summarized, summary: readFromCell(path.join(copy, "summary.md")) }) };
  const attempts = readJson(path.join(copy, "attempts.json"));
  const denials = readJson(outcome)?.denials ?? [];
  yield { verdict: judgeRefused({ attempts, audit: readAuditCopy(audit), denials }) };
  yield { verdict: judgeHidden({ attempts, key, control: await readOutside(root, key.path) }) };
}

/**
 * @param {ReadonlyMap<string, Act>} acts
 * @param {string} audit
 */
function installed(acts, audit) {
  const act = acts.get("install");
  if (act === undefined) throw new Error("The cell announced the second act before the first");
  return judgeInstall({ ...act, audit: readAuditCopy(audit) });
}
