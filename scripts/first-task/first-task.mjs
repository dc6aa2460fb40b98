import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { chooseFolder, dataFolder } from "../first-job/prepare.mjs";
import { runProgram } from "../setup/run-program.mjs";
import { judgeCall, judgeEnd } from "./judge.mjs";

/** @typedef {import("../first-job/judge.mjs").Verdict} Verdict */
/** @typedef {{ session: string, task: string } | { verdict: Verdict }} Seen */
/** @typedef {{ workcell: string, copy: string, mode: "review" | "rw" }} Task */

/** What the scripted model changes, as it was and as it becomes. */
const file = "src/total.js";
const wrong = "return sum - discountPercent;";

/**
 * Puts a fresh copy of the example into a folder of Workcell's.
 * @param {string} root
 * @param {string} folder
 */
function copyTask(root, folder) {
  const copy = path.join(folder, "first-task");
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true, mode: 0o700 });
  cpSync(path.join(root, "examples/first-task"), copy, { recursive: true });
  return copy;
}

/** @param {string} copy */
const isAsItWas = (copy) => readFileSync(path.join(copy, file), "utf8").includes(wrong);

/**
 * Has the built-in agent do a scripted task on a copy of the example, and yields what was seen: the session, a verdict for
 * each call, and what became of the changes.
 * @param {{ root: string, workcell: string, mode: "review" | "rw" }} where
 * @returns {AsyncGenerator<Seen>}
 */
export async function* firstTask({ root, workcell, mode }) {
  const folder = await chooseFolder(root);
  try {
    const copy = copyTask(root, folder);
    yield* watchAgent({ workcell, copy, mode });
  } finally {
    if (folder !== dataFolder()) rmSync(folder, { recursive: true });
  }
}

/** @param {Task} task @returns {AsyncGenerator<Seen>} */
async function* watchAgent({ workcell, copy, mode }) {
  const mount = `src=${copy},name=first-task,mode=${mode}`;
  const words = ["--profile", "cowork", "--mount", mount, "--workdir", "mnt/first-task", "--json"];
  const child = spawn(workcell, ["agent", "--model", "scripted", ...words], {
    cwd: path.dirname(copy),
    stdio: ["ignore", "pipe", "pipe"],
  });
  /** @type {Promise<number>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 128));
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaint += text;
  });
  let session = "";
  let folder = "";
  /** @type {Map<string, unknown>} */
  const inputs = new Map();
  /** @type {import("./judge.mjs").AgentEvent | undefined} */
  let last;
  for await (const line of createInterface({ input: child.stdout })) {
    /** @type {import("./judge.mjs").AgentEvent} */
    const event = JSON.parse(line);
    last = event;
    if (event.type === "started") {
      folder = event.cwd ?? "";
      session = /^\/sessions\/([^/]+)\//.exec(folder)?.[1] ?? "";
      yield { session, task: "make the failing test pass" };
    } else if (event.type === "tool") inputs.set(event.id ?? "", event.input);
    else if (event.type === "tool-ended" && event.parent === null)
      yield { verdict: judgeCall(event, { input: inputs.get(event.id ?? ""), folder }) };
  }
  const code = await ended;
  yield { verdict: judgeEnd({ code, complaint, last }) };
  if (mode === "review" && code === 0) yield* review({ workcell, copy, session });
}

/**
 * @param {{ workcell: string, copy: string, session: string }} done
 * @returns {AsyncGenerator<Seen>}
 */
async function* review({ workcell, copy, session }) {
  const shown = await runProgram(workcell, ["diff", session, "--json"]);
  const { added = 0, changed = 0 } =
    shown.code === 0 ? (JSON.parse(shown.stdout).layers[0]?.summary ?? {}) : {};
  const isShown = added + changed > 0 && isAsItWas(copy);
  yield {
    verdict: {
      word: isShown ? "waiting" : "FAIL",
      act: "workcell diff",
      text: `${added} added, ${changed} changed; the folder is ${isAsItWas(copy) ? "as it was" : "changed"}${shown.stderr.trim()}`,
    },
  };
  const applied = await runProgram(workcell, ["apply", session]);
  const [, count, step] = /^Applied (\d+) changes? .* \(step (\d+)\)/m.exec(applied.stdout) ?? [];
  const isApplied = applied.code === 0 && count !== undefined && !isAsItWas(copy);
  yield {
    verdict: {
      word: isApplied ? "applied" : "FAIL",
      act: "workcell apply",
      text: isApplied ? `${count} paths, as step ${step}` : `${applied.stdout}${applied.stderr}`.trim(),
    },
  };
}
