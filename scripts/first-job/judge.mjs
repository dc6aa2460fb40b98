import { size } from "../setup/page.mjs";

/**
 * @typedef {object} Verdict
 * @property {"ok" | "refused" | "hidden" | "skipped" | "waiting" | "applied" | "undone" | "agent" | "FAIL"} word
 * @property {string} act
 * @property {string} text
 * @property {readonly string[]} [more]
 * @property {number} [ms]
 *
 * @typedef {{ decision: string, kind: string, rule: string, origin: string, layer: string, subject: string,
 *   bytesDown?: number, failure?: string }} AuditLine
 * @typedef {{ layer: string, rule: string, origin: string, what: string, remedy: string }} Denial
 * @typedef {{ place: string, bytes?: number, error?: string }} Read
 * @typedef {{ reads: readonly Read[], posted: { url: string, status?: number, answer?: string, error?: string } }} Attempts
 */

const villainHost = "collect.example";

/** @param {string} stderr */
const npmCode = (stderr) => /^npm (?:error|ERR!) code (\S+)/m.exec(stderr)?.[1];

const unreachable =
  /^(E?50[234]|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;

/**
 * `npm install`: its exit code, and the connections that the audit log holds.
 * @param {{ code: number, ms: number, stderr: string, audit: readonly AuditLine[] }} seen
 * @returns {Verdict}
 */
export function judgeInstall({ code, ms, stderr, audit }) {
  const act = "npm install";
  const toRegistry = audit.filter((line) => line.decision === "allow" && /\bnpm\b/.test(line.origin));
  const failure = toRegistry.find((line) => line.failure !== undefined)?.failure ?? npmCode(stderr);
  if (code !== 0) {
    if (failure !== undefined && unreachable.test(failure)) {
      return { word: "skipped", act, text: `the configured registry did not answer: ${failure}` };
    }
    return { word: "FAIL", act, text: `exit code ${code}`, more: stderr.trim().split("\n").slice(-6), ms };
  }
  if (toRegistry.length === 0) {
    return { word: "FAIL", act, text: "it succeeded, and the audit log holds no connection of it", ms };
  }
  const bytes = toRegistry.reduce((sum, line) => sum + (line.bytesDown ?? 0), 0);
  const count = `${toRegistry.length} ${toRegistry.length === 1 ? "connection" : "connections"}`;
  return { word: "ok", act, text: `${count} to the configured registry, ${size(bytes)}`, ms };
}

/**
 * `npm run summarize`: its exit code, its own words, and the file on the host.
 * @param {{ code: number, ms: number, stdout: string, stderr: string, summary: string | undefined }} seen
 * @returns {Verdict}
 */
export function judgeSummarize({ code, ms, stdout, stderr, summary }) {
  const act = "npm run summarize";
  if (code !== 0) {
    return { word: "FAIL", act, text: `exit code ${code}`, more: stderr.trim().split("\n").slice(-6), ms };
  }
  const said = stdout.trim().split("\n").at(-1) ?? "";
  if (summary === undefined || !summary.startsWith("# Summary")) {
    return { word: "FAIL", act, text: "summary.md is not in the connected folder", ms };
  }
  return { word: "ok", act, text: said, ms };
}

/**
 * The install script's post: what it saw, what the audit log holds and what the outcome says must agree.
 * @param {{ attempts: Attempts | undefined, audit: readonly AuditLine[], denials: readonly Denial[] }} seen
 * @returns {Verdict}
 */
export function judgeRefused({ attempts, audit, denials }) {
  const act = `post to ${villainHost}`;
  const mine = (/** @type {string} */ subject) => subject.includes(villainHost);
  if (attempts === undefined) {
    return { word: "FAIL", act, text: "not observed: the install script left no attempts.json" };
  }
  if (audit.some((line) => line.decision === "allow" && mine(line.subject))) {
    return { word: "FAIL", act, text: "not refused: the audit log holds it as allowed" };
  }
  const line = audit.find(({ decision, subject }) => decision === "deny" && mine(subject));
  if (line === undefined)
    return { word: "FAIL", act, text: "not refused: the audit log holds no such decision" };
  const { status, error } = attempts.posted;
  if (status !== 403) {
    return { word: "FAIL", act, text: `the gate refused it, and the script saw ${status ?? error}` };
  }
  const remedy = denials.find((denial) => mine(denial.what))?.remedy;
  // A rule that compares with all others names their origins itself.
  const origin = line.rule.includes(line.origin) ? "" : ` (${line.origin})`;
  const more = remedy === undefined ? {} : { more: [`to allow it: ${remedy}`] };
  return { word: "refused", act, text: `${line.layer}: ${line.rule}${origin}`, ...more };
}

/**
 * The install script's look for a key: refused inside, while the same read succeeds outside.
 * @param {{ attempts: Attempts | undefined, key: { path: string, shown: string, decoy: boolean }, control: Read | undefined }} seen
 * @returns {Verdict}
 */
export function judgeHidden({ attempts, key, control }) {
  const act = key.shown;
  if (attempts === undefined) {
    return { word: "FAIL", act, text: "not observed: the install script left no attempts.json" };
  }
  const found = attempts.reads.find((read) => read.error === undefined);
  if (found !== undefined)
    return { word: "FAIL", act, text: `not hidden: "${found.place}" was read in the cell` };
  if (!attempts.reads.some((read) => read.place === key.path)) {
    return { word: "FAIL", act, text: `not observed: the script did not try "${key.path}"` };
  }
  if (control === undefined || control.error !== undefined || !control.bytes) {
    return { word: "FAIL", act, text: `no control: the same read fails outside too (${control?.error})` };
  }
  const text = "the host's home is not in the cell (control: the same read succeeds outside)";
  return { word: "hidden", act, text, ...(key.decoy ? { more: [`a decoy: ${key.path}`] } : {}) };
}
