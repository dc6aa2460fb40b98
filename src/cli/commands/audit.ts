import { once } from "node:events";
import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import type { AuditLine } from "../../model/index.ts";
import { type AuditVerdict, followAudit, readAudit, verifyAudit } from "../../report/index.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

type Filter = (line: AuditLine) => boolean;

const unitsMs: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
  ...{ d: 86_400_000, w: 7 * 86_400_000 },
};

function readSince(text: string | undefined): number {
  if (text === undefined) return Number.NEGATIVE_INFINITY;
  const [, digits = "", unit = ""] = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text) ?? [];
  const factor = unitsMs[unit];
  if (factor !== undefined) return Date.now() - Number(digits) * factor;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot list decisions since "${text}" (flag --since): it is no duration`,
    remedy: "Write it like 30s, 10m, 2h, 7d or 1w",
  });
}

function readFilter(flags: FlagValues): Filter {
  const session = flags.text("session");
  const since = readSince(flags.text("since"));
  const denied = flags.has("denied");
  return (line) =>
    (session === undefined || line.session === session) &&
    (!denied || line.decision === "deny") &&
    Date.parse(line.time) >= since;
}

function amount(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What became of an allowed connection, or why one was refused. */
function tail(line: AuditLine): string {
  const rule = line.rule.includes(line.origin) ? line.rule : `${line.rule} (${line.origin})`;
  if (line.decision === "deny") {
    const more = line.repeats === undefined ? "" : `, ${line.repeats} more times since the line before`;
    return `${line.layer}: ${rule}${more}`;
  }
  const moved = line.bytesUp === undefined ? "" : amount(line.bytesUp + (line.bytesDown ?? 0));
  const time = line.durationMs === undefined ? "" : `${(line.durationMs / 1000).toFixed(1)} s`;
  const failure = line.failure === undefined ? "" : `failed: ${line.failure}`;
  return [moved, time, failure, rule].filter(Boolean).join(", ");
}

function row(line: AuditLine): string {
  const decision = line.decision === "allow" ? "ok     " : "refused";
  const time = line.time.replace("T", " ").replace(/\.\d+Z$/, "Z");
  return printable(
    `${time}  ${line.session.padEnd(28)} ${decision}  ${line.subject.padEnd(36)}  ${tail(line)}`,
  );
}

async function list(file: string, flags: FlagValues, context: CommandContext): Promise<number> {
  const keep = readFilter(flags);
  const json = flags.has("json");
  const { stdout, stderr } = context;
  const stop = new AbortController();
  stdout.once("close", () => stop.abort()).once("error", () => stop.abort());
  const entries = flags.has("follow") ? followAudit(file, { signal: stop.signal }) : readAudit(file);
  let [seen, shown] = [0, 0];
  for await (const { line, number, ended, file: where } of entries) {
    seen += 1;
    if (stop.signal.aborted) break;
    if (line === undefined) {
      const what = ended ? "is no audit line" : "is torn, or being written";
      stderr.write(`workcell: line ${number} of ${printable(where)} ${what}; see: workcell audit --verify\n`);
    } else if (!keep(line)) {
    } else if (++shown > 0 && !stdout.write(json ? `${JSON.stringify(line)}\n` : `${row(line)}\n`)) {
      // A reader that goes away ends the listing; it is not an error.
      await once(stdout, "drain", { signal: stop.signal }).catch(() => {});
    }
  }
  const session = flags.text("session");
  if (seen > 0 && shown === 0 && session !== undefined && !json)
    stderr.write(`workcell: No decisions of session ${printable(session)}\n`);
  if (seen === 0 && !json) stderr.write(`workcell: No decisions yet: ${printable(file)} has no lines\n`);
  return 0;
}

function say(verdict: AuditVerdict): string {
  const { lines, refused, firstBroken, torn, setAside } = verdict;
  const notes = [
    ...(setAside ? [`what crashes left of torn lines is kept in ${setAside}`] : []),
    ...(torn ? [`line ${torn.line} of ${torn.file} is torn, or being written (${torn.bytes} bytes)`] : []),
    `${lines} decisions, ${refused} refused`,
  ];
  const last = firstBroken
    ? `chain broken at line ${firstBroken.line} of ${firstBroken.file}: ${firstBroken.why}`
    : `chain intact, ${lines} lines`;
  return [...notes, last].map((line) => `${printable(line)}\n`).join("");
}

async function verify(file: string, flags: FlagValues, context: CommandContext): Promise<number> {
  const verdict = await verifyAudit(file);
  context.stdout.write(flags.has("json") ? `${JSON.stringify(verdict)}\n` : say(verdict));
  return verdict.intact ? 0 : 1;
}

export const audit: Command = {
  name: "audit",
  summary: "list what was allowed and refused, and verify that nothing of it was changed",
  usage: "[FLAGS]",
  notes: [
    "What the gate, the filters and the limits decided, of all your sessions, oldest first. Each line holds the hash of the one before it, so that a change shows.",
  ],
  flags: [
    { name: "follow", help: "print new lines as they come" },
    { name: "session", value: "NAME", help: "only this session's" },
    { name: "denied", help: "only what was refused" },
    { name: "since", value: "DURATION", help: "only the last 30s, 10m, 2h, 7d" },
    { name: "verify", help: "verify the chain of hashes; exit 1 if it is broken" },
    { name: "json", help: "the lines as they are, or the verdict as JSON" },
  ],
  example: "workcell audit --denied --since 1h",
  async run(flags, words, context) {
    if (words.length > 0) {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot list "${words[0]}": workcell audit takes flags only`,
        remedy: "Run: workcell audit --session NAME",
      });
    }
    const file = path.join(stateFolder(context.env, context.home), "audit.jsonl");
    return flags.has("verify") ? verify(file, flags, context) : list(file, flags, context);
  },
};
