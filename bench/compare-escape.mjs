import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { makePage } from "../scripts/setup/page.mjs";
import { ending, Stop } from "../scripts/setup/stop.mjs";
import { escapeColumns } from "./measure/escape-places.mjs";
import { escapeCell, escapeTotals } from "./measure/escape-table.mjs";
import { machineLine, readMachine } from "./measure/machine.mjs";
import { setUp } from "./measure/set-up.mjs";

const root = path.resolve(import.meta.dirname, "..");
/** In the home, since some sandboxes put folders of their own in the place of the temporary ones. */
const PLACE = os.homedir();

const usage = `Usage: npm run compare:escape -- [--section LETTERS] [--json]

Makes the attempts of test/security/escape as the current user: without a sandbox, in plain bubblewrap, firejail,
sandbox-runtime and Workcell; prints what became of each.

  --section LETTERS   only these of A, B, C, D, E and H
  --json              print the result as JSON

Example: npm run compare:escape -- --section DE`;

function readOptions() {
  const flag = { type: /** @type {const} */ ("boolean"), default: false };
  try {
    const section = { type: /** @type {const} */ ("string"), default: "ABCDEH" };
    const { values } = parseArgs({ options: { section, json: flag, help: flag } });
    if (/^[A-EH]+$/.test(values.section)) return values;
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error), "", usage);
  }
  throw new Stop("Cannot read --section: letters of A, B, C, D, E and H are needed.", "", usage);
}

/**
 * The attempts, which are TypeScript.
 * @param {string} folder
 * @returns {Promise<typeof import("../test/security/escape/index.ts")>}
 */
async function loadAttempts(folder) {
  const { build } = await import("esbuild");
  const outfile = path.join(folder, "escape.mjs");
  const entry = path.join(root, "test/security/escape/index.ts");
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm" });
  return await import(pathToFileURL(outfile).href);
}

/** @param {string} sections @param {(what: string) => void} pending @param {string} folder */
async function compare(sections, pending, folder) {
  const installed = await setUp(pending);
  const { compileEscapes, escapeAttempts, noSandbox, tryEscapes } = await loadAttempts(folder);
  const escapes = compileEscapes(folder, path.join(root, "test/fixtures"));
  const attempts = escapeAttempts.filter(({ id }) => sections.includes(id[0] ?? ""));
  const columns = escapeColumns(installed, noSandbox);
  /** @type {Map<string, ReadonlyMap<string, import("../test/security/escape/index.ts").Verdict>>} */
  const found = new Map();
  for (const { id, title, place } of columns) {
    pending(`${attempts.length} attempts: ${title}`);
    if (place !== undefined) found.set(id, await tryEscapes(attempts, place, { escapes, parent: folder }));
  }
  const rows = attempts.map(({ id, title }) => {
    const verdict = (/** @type {string} */ column) =>
      found.get(column)?.get(id) ?? { is: /** @type {const} */ ("not run"), why: "not installed" };
    const cells = columns.map((column) => [column.id, escapeCell(verdict(column.id), verdict("none"))]);
    return { id, title, cells: /** @type {Record<string, string>} */ (Object.fromEntries(cells)) };
  });
  const places = columns.map(({ id, title, how, why }) => ({
    id,
    title,
    how,
    ...(why !== undefined && { why }),
  }));
  const totals = escapeTotals(
    rows,
    columns.map(({ id }) => id),
  );
  return { schema: "workcell.compare-escape/1", machine: readMachine(process.version), places, rows, totals };
}

/** Columns to the left, since they are words. @param {readonly (readonly string[])[]} rows */
function wordLines(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const shortened = (/** @type {string} */ cell) => (cell.startsWith("not run") ? "not run" : cell);

/** Each reason once, with the first attempt that met it. @param {readonly import("./measure/escape-table.mjs").EscapeRow[]} rows */
function notRunLines(rows) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map();
  for (const { id, cells } of rows) {
    for (const [column, cell] of Object.entries(cells)) {
      if (!cell.startsWith("not run") || cell.endsWith("not installed")) continue;
      const reason = `${column} ${cell}`;
      reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
    }
  }
  return [...reasons].map(([reason, ids]) => `${reason} (${ids.length}, first ${ids[0]})`);
}

/** @param {Awaited<ReturnType<typeof compare>>} result */
function resultLines({ machine, places, rows, totals }) {
  const heading = ["attempt", ...places.map(({ title }) => title), "what"];
  const cells = rows.map(({ id, title, cells }) => [
    id,
    ...places.map((place) => shortened(cells[place.id] ?? "")),
    title,
  ]);
  const sums = ["refused", "REACHED", "vacuous", "not run"].map((kind) => [
    kind,
    ...totals.map((total) => String(/** @type {Record<string, unknown>} */ (total)[kind])),
    "",
  ]);
  return [
    `Machine  ${machineLine(machine)}`,
    ...places.map(({ title, how, why }) => `${title.padEnd(16)} ${why ?? how}`),
    "",
    "REACHED: the host was touched, read or asked. refused own: it reached only what is the sandbox's own; refused ended: the",
    "sandbox ended it. vacuous: it reaches nothing on this machine without a sandbox either.",
    "",
    ...wordLines([heading, ...cells, heading.map(() => ""), ...sums]),
    ...notRunLines(rows),
  ];
}

/** @returns {Promise<number>} exit code */
async function main() {
  const { section, json, help } = readOptions();
  const page = makePage(process.stdout, process.env);
  if (help) {
    page.line(usage);
    return 0;
  }
  const folder = mkdtempSync(path.join(PLACE, "workcell-compare-"));
  chmodSync(folder, 0o755);
  try {
    const result = await compare(section, json ? () => {} : page.pending, folder);
    page.line(json ? JSON.stringify(result, null, 2) : resultLines(result).join("\n"));
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await ending(main);
