import { printable } from "../lib/printable.ts";
import type { EnvironmentReport, ReportRow, RowStatus } from "../model/index.ts";
import { drawEnvironment } from "./drawing.ts";
import { summarizeRows } from "./judge.ts";
import type { Observations } from "./observations.ts";

/** Text in a table's cell: observed values may hold anything, and only code spans keep a `<` as it is. */
function cell(text: string): string {
  const plain = printable(text).replaceAll("|", "\\|").replaceAll("```", "'''");
  const parts = plain.split("`");
  const balanced = parts.length % 2 === 1;
  return parts
    .map((part, index) => (balanced && index % 2 === 1 ? part : part.replaceAll("<", "&lt;")))
    .join("`");
}

const statusWords: Readonly<Record<RowStatus, string>> = {
  match: "match",
  differs: "**differs**",
  host: "host",
  "not-applicable": "not applicable",
  unknown: "unknown",
};

const statusMeanings: Readonly<Record<RowStatus, string>> = {
  match: "observed to be as the reference has it, by trying it",
  differs: "observed, and not as the reference has it",
  host: "the machine's own value, not Workcell's to set in this tier",
  "not-applicable": "without meaning in this tier",
  unknown: "not built yet, or it could not be observed; the row says which",
};

function areaTable(area: string, rows: readonly ReportRow[]): string[] {
  return [
    `## ${area}`,
    "",
    "| | reference | observed | status |",
    "|---|---|---|---|",
    ...rows.map(
      (row) =>
        `| **${cell(row.title)}** \`${row.id}\` | ${cell(row.reference)} | ${cell(row.observed)} | ${statusWords[row.status]} |`,
    ),
    "",
  ];
}

function areaTables(rows: readonly ReportRow[]): string[] {
  const areas = [...new Set(rows.map(({ area }) => area))];
  return areas.flatMap((area) =>
    areaTable(
      area,
      rows.filter((row) => row.area === area),
    ),
  );
}

/** The first paragraph: what a person wants to know before any table. */
function inWords(rows: readonly ReportRow[]): string[] {
  const open = rows.filter(({ status }) => status === "differs");
  const unseen = rows.filter(
    ({ status, observed }) => status === "unknown" && !observed.startsWith("not built"),
  );
  const judged = open.length === 0 ? "Nothing that was observed differs from the reference." : "";
  return [
    `**${summarizeRows(rows)}**`,
    "",
    ...(judged ? [judged] : []),
    ...open.map((row) => `- **${row.id} differs**: ${cell(row.observed)}`),
    ...unseen.map((row) => `- **${row.id}** ${cell(row.observed)}`),
    "",
  ];
}

function cellInWords({ inside, outside }: Observations): string[] {
  if (!("seen" in inside) || !("seen" in outside)) return [];
  const { user, interfaces, processes, capabilities } = inside.seen;
  const denied = outside.seen.decisions.filter(({ decision }) => decision === "deny").length;
  const powerless = Object.values(capabilities).every((set) => /^0+$/.test(set))
    ? "no capability"
    : "capabilities";
  return [
    `A fresh cell was started as session **${cell(user.name)}**, with the home \`${cell(user.home)}\`, and looked at from ` +
      `inside and from the host at once. From inside there are ${processes.length} processes, the network interface ` +
      `${cell(interfaces.join(", "))}, and ${powerless}. All traffic went through the gate on the host, which let ` +
      `${outside.seen.decisions.length - denied} connections through and refused ${denied}.`,
    "",
  ];
}

function drawingSection(observations: Observations): string[] {
  const { text, missing } = drawEnvironment(observations);
  if (text === "") return ["## Drawing", "", `It could not be drawn: ${missing.join(", ")} is missing.`, ""];
  return ["## Drawing", "", "```text", text.replaceAll("```", "'''"), "```", ""];
}

function howSection(rows: readonly ReportRow[]): string[] {
  return [
    "## How each was observed",
    "",
    "| row | how |",
    "|---|---|",
    ...rows.map((row) => `| \`${row.id}\` | ${cell(row.how)} |`),
    "",
    ...Object.entries(statusMeanings).map(([status, meaning]) => `- *${status}*: ${meaning}`),
  ];
}

/** The environment report as a document that a person reads from the top. */
export function renderMarkdown(report: EnvironmentReport, observations: Observations): string {
  const { rows, profile, tier, tunnel } = report;
  return `${[
    "# Environment report",
    "",
    `Profile \`${profile}\`, tier \`${tier}\`, tunnel \`${tunnel}\`.`,
    "",
    ...inWords(rows),
    ...cellInWords(observations),
    ...(rows.some(({ id }) => id === "life.drawing") ? drawingSection(observations) : []),
    ...areaTables(rows),
    ...howSection(rows),
  ].join("\n")}\n`;
}

/** `--verify`: every row that is not as required, one line each. */
export function renderUnmet(rows: readonly ReportRow[]): string {
  return unmetRows(rows)
    .map((row) => `${row.status.padEnd(8)} ${row.id.padEnd(20)} ${printable(row.observed)}\n`)
    .join("");
}

/** Rows that are not as required. */
export function unmetRows(rows: readonly ReportRow[]): ReportRow[] {
  return rows.filter(({ status }) => status === "differs" || status === "unknown");
}
