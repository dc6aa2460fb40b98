/** @typedef {import("../first-job/judge.mjs").Verdict} Verdict */
/**
 * @typedef {object} AgentEvent a line of `workcell agent --json`
 * @property {string} type
 * @property {string} [cwd]
 * @property {string} [id]
 * @property {string} [name]
 * @property {unknown} [input]
 * @property {string | null} [parent]
 * @property {number} [ms]
 * @property {string} [status]
 * @property {{ content?: unknown, is_error?: boolean }} [result]
 * @property {Record<string, unknown>} [models]
 */

/** How much of a result fits in a line. */
const WIDTH = 56;

/** @param {string} text */
const cut = (text) => (text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`);

/** @param {unknown} input */
function subjectOf(input) {
  const fields = new Map(Object.entries(input ?? {}));
  const named = ["file_path", "command", "pattern", "description"].map((name) => fields.get(name));
  const text = `${named.find((value) => typeof value === "string") ?? ""}`;
  return text.startsWith("/") ? text.slice(text.lastIndexOf("/") + 1) : text;
}

/**
 * Lines of a result, the folder left out of its paths.
 * @param {AgentEvent["result"]} result
 * @param {string} folder
 */
function resultOf({ content } = {}, folder) {
  const text =
    typeof content === "string"
      ? content
      : /** @type {{ text?: string }[]} */ (Array.isArray(content) ? content : [])
          .map(({ text: one = "" }) => one)
          .join("\n");
  return text
    .replaceAll(`${folder}/`, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

/**
 * One call of the agent's: what it was about, and what came of it. A call that failed is the task's business, not ours.
 * @param {AgentEvent} ended
 * @param {{ input: unknown, folder: string }} call
 * @returns {Verdict}
 */
export function judgeCall({ name = "", result, ms = 0 }, { input, folder }) {
  const lines = resultOf(result, folder);
  const failed = result?.is_error === true;
  const more = lines.length > 1 ? `${lines.length} lines` : cut(lines[0] ?? "");
  const exit = /\[Exit code \d+\]/.exec(lines.join("\n"))?.[0];
  return {
    word: "agent",
    act: `${name} ${subjectOf(input)}`.slice(0, 23),
    text: failed ? `${exit ?? "failed"}, ${more}` : more,
    ms,
  };
}

/**
 * How the agent ended, and who answered it.
 * @param {{ code: number, complaint: string, last: AgentEvent | undefined }} seen
 * @returns {Verdict}
 */
export function judgeEnd({ code, complaint, last }) {
  const isDone = code === 0 && last?.type === "ended" && last.status === "done";
  const act = "task";
  if (!isDone) return { word: "FAIL", act, text: `it ended with ${code}: ${complaint.trim().slice(-300)}` };
  const who = Object.keys(last.models ?? {}).join(", ");
  return {
    word: "ok",
    act,
    text: `done; the model that answered is ${who}: a script, no AI and no account`,
    ms: last.ms ?? 0,
  };
}
