/** @typedef {import("../../test/security/escape/index.ts").Verdict} Verdict */
/** @typedef {{ id: string, title: string, cells: Record<string, string> }} EscapeRow */

/**
 * What stands in a cell. Where nothing reached the host even without a sandbox, a refusal proves nothing.
 * @param {Verdict} verdict
 * @param {Verdict} control
 */
export function escapeCell(verdict, control) {
  if (verdict.is === "reached") return "REACHED";
  if (verdict.is === "not run") return `not run: ${verdict.why}`;
  return control.is === "reached" ? `refused ${verdict.by}` : "vacuous";
}

const kinds = ["refused", "REACHED", "vacuous", "not run"];

/**
 * How often each word stands in each column.
 * @param {readonly EscapeRow[]} rows
 * @param {readonly string[]} columns
 */
export function escapeTotals(rows, columns) {
  return columns.map((column) => {
    const count = (/** @type {string} */ kind) =>
      rows.filter(({ cells }) => cells[column]?.startsWith(kind)).length;
    return { column, ...Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) };
  });
}
