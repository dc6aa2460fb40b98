import { printable } from "../../lib/printable.ts";
import type { DoctorCheck } from "../../model/index.ts";

/** What was found, without the title that stands before it in the table. */
function foundBeside({ title, found }: DoctorCheck): string {
  const prefix = `${title}: `;
  return found.toLowerCase().startsWith(prefix.toLowerCase()) ? found.slice(prefix.length) : found;
}

function advice({ title, status, needed, without, remedy }: DoctorCheck): readonly string[] {
  const lines = [
    ["needed", needed],
    ["without", without],
    ["remedy", remedy],
  ].filter(([, text]) => text !== "");
  return ["", `${title} (${status})`, ...lines.map(([name = "", text]) => `  ${name.padEnd(8)} ${text}`)];
}

/** The checks as a table, what is to be done about the others below it, and one line for all at the end. */
export function renderDoctor(checks: readonly DoctorCheck[], summary: string): string {
  const width = Math.max(...checks.map(({ title }) => title.length));
  const table = checks.map(
    (check) => `${check.status.padEnd(8)} ${check.title.padEnd(width)}  ${foundBeside(check)}`,
  );
  const advised = checks.filter(({ status }) => status !== "ok").flatMap(advice);
  return [...table, ...advised, "", summary].map((line) => `${printable(line)}\n`).join("");
}
