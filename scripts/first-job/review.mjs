import { existsSync } from "node:fs";
import path from "node:path";
import { runProgram } from "../setup/run-program.mjs";

/** @typedef {import("./judge.mjs").Verdict} Verdict */
/** @typedef {{ workcell: string, copy: string, session: string }} Reviewed */

/** The file that the person takes back at the end. */
const UNDONE = "attempts.json";

/**
 * Whether a folder can be connected in review: a container's own root has no disk for it, and the job then runs on its
 * copy directly. Undefined: it can; else what Workcell says.
 * @param {string} workcell
 * @param {string} copy
 * @returns {Promise<string | undefined>}
 */
export async function whyNoReview(workcell, copy) {
  const mount = `src=${copy},name=first-job,mode=review`;
  const { code, stderr } = await runProgram(workcell, [
    "run",
    "--profile",
    "cowork",
    "--mount",
    mount,
    "--",
    "true",
  ]);
  return code === 0 ? undefined : stderr.trim().split("\n")[0];
}

/** @param {string} act @param {string} text @returns {Verdict} */
const fail = (act, text) => ({ word: "FAIL", act, text });

/**
 * What waits, as `workcell diff` says it; the folder itself must be as it was.
 * @param {Reviewed} reviewed
 * @returns {Promise<Verdict>}
 */
async function showDiff({ workcell, copy, session }) {
  const act = "workcell diff";
  const { code, stdout, stderr } = await runProgram(workcell, ["diff", session, "--json"]);
  if (code !== 0) return fail(act, stderr.trim());
  const [layer] = JSON.parse(stdout).layers;
  if (layer === undefined) return fail(act, "nothing waits, and the job wrote files");
  if (existsSync(path.join(copy, "summary.md"))) return fail(act, "summary.md stands in the folder already");
  const { added, changed, ignored } = layer.summary;
  const shown = added + changed - ignored;
  return {
    word: "waiting",
    act,
    text: `${shown} changes and ${ignored} ignored paths wait; the folder is as it was`,
  };
}

/**
 * @param {Reviewed} reviewed
 * @returns {Promise<Verdict>}
 */
async function applyAll({ workcell, copy, session }) {
  const act = "workcell apply";
  const { code, stdout, stderr } = await runProgram(workcell, ["apply", session]);
  const [, count, step] = /^Applied (\d+) changes? .* \(step (\d+)\)/m.exec(stdout) ?? [];
  if (code !== 0 || count === undefined) return fail(act, `${stdout}${stderr}`.trim());
  if (!existsSync(path.join(copy, "summary.md"))) return fail(act, "summary.md is not in the folder");
  return { word: "applied", act, text: `${count} paths, as step ${step}` };
}

/**
 * What the person does with a job's changes: look, and apply. In this order, each after the other.
 * @param {Reviewed} reviewed
 * @returns {Promise<readonly Verdict[]>}
 */
export async function reviewJob(reviewed) {
  return [await showDiff(reviewed), await applyAll(reviewed)];
}

/**
 * Takes one path back.
 * @param {Reviewed} reviewed
 * @returns {Promise<Verdict>}
 */
export async function undoOne({ workcell, copy, session }) {
  const act = "workcell undo";
  const file = path.join(copy, UNDONE);
  const before = existsSync(file);
  const { code, stdout, stderr } = await runProgram(workcell, ["undo", session, file]);
  if (code !== 0) return fail(act, `${stdout}${stderr}`.trim());
  if (!before || existsSync(file))
    return fail(act, `${UNDONE} was ${before ? "not taken back" : "never there"}`);
  return { word: "undone", act, text: `${UNDONE} is out of the folder again, the rest stays` };
}
