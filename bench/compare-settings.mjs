import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { makePage } from "../scripts/setup/page.mjs";
import { ending, Stop } from "../scripts/setup/stop.mjs";
import { machineLine, readMachine } from "./measure/machine.mjs";
import { runSettingsCase } from "./measure/run-settings-case.mjs";
import { setUp } from "./measure/set-up.mjs";
import { settingsGroups } from "./measure/settings-cases.mjs";
import { settingsTotals } from "./measure/settings-table.mjs";

/** In the home, since both programs have temporary folders of their own. */
const PLACE = os.homedir();

const usage = `Usage: npm run compare:settings -- [--group N]... [--json]

Gives the same settings files, in sandbox-runtime's own form, to sandbox-runtime and to Workcell, as the current user;
prints what came of each case beside what is required.

  --group N   only this group, 1 to 8
  --json      print the result as JSON

Example: npm run compare:settings -- --group 3`;

function readOptions() {
  const flag = { type: /** @type {const} */ ("boolean"), default: false };
  const group = { type: /** @type {const} */ ("string"), multiple: /** @type {const} */ (true) };
  try {
    const { values } = parseArgs({ options: { group, json: flag, help: flag } });
    if ((values.group ?? []).every((text) => /^[1-8]$/.test(text))) return values;
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error), "", usage);
  }
  throw new Stop("Cannot read --group: a number from 1 to 8 is needed.", "", usage);
}

/** What an allowed request finds. @returns {Promise<{ port: number, close: () => void }>} */
function serve() {
  const server = http.createServer((_, response) => response.end("served"));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resolve({ port, close: () => server.close() });
    });
  });
}

/** @param {import("./measure/set-up.mjs").Installed} installed @returns {import("./measure/run-settings-case.mjs").Program[]} */
function programs({ node, workcell, sandboxRuntime }) {
  const underNode = (/** @type {string} */ program) =>
    `${path.dirname(program)}:/usr/local/bin:/usr/bin:/bin`;
  return [
    {
      id: "theirs",
      words: (settings) => [sandboxRuntime, "--settings", settings, "--"],
      live: ["--control-fd", "3"],
      env: { PATH: underNode(node) },
    },
    {
      id: "ours",
      words: (settings) => [workcell, "run", "--settings", settings, "--"],
      env: { PATH: underNode(process.execPath) },
    },
  ];
}

/** @param {readonly string[]} chosen @param {(what: string) => void} pending @param {string} parent */
async function compare(chosen, pending, parent) {
  const columns = programs(await setUp(pending));
  const groups = settingsGroups.filter(({ group }) => chosen.length === 0 || chosen.includes(`${group}`));
  const server = await serve();
  try {
    const rows = [];
    for (const { group, cases } of groups) {
      for (const given of cases) {
        pending(`${given.id} ${given.title}`);
        /** @type {Record<string, string>} */
        const answers = {};
        for (const program of columns)
          answers[program.id] = await runSettingsCase(given, program, { parent, port: server.port });
        const { id, title, required } = given;
        const [theirs = "", ours = ""] = [answers["theirs"], answers["ours"]];
        rows.push({ group, id, title, theirs, ours, required });
      }
    }
    const totals = settingsTotals(rows);
    return { schema: "workcell.compare-settings/1", machine: readMachine(process.version), rows, totals };
  } finally {
    server.close();
  }
}

/** @param {Awaited<ReturnType<typeof compare>>} result */
function resultLines({ machine, rows, totals }) {
  const marked = (/** @type {string} */ answer, /** @type {string} */ required) =>
    `${answer === required ? " " : "!"} ${answer.replaceAll("\n", " ")}`;
  const cells = rows.map((row) => [
    row.id,
    marked(row.theirs, row.required),
    marked(row.ours, row.required),
    row.required.replaceAll("\n", " "),
    row.title,
  ]);
  const sums = totals.map(({ title, theirs, ours, cases }) => [
    "",
    `  ${theirs}`,
    `  ${ours}`,
    `${cases}`,
    title,
  ]);
  const table = [["case", "  theirs", "  ours", "required", "what"], ...cells, ["", "", "", "", ""], ...sums];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return [
    `Machine  ${machineLine(machine)}`,
    "",
    ...table.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
  ];
}

/** @returns {Promise<number>} exit code: 1 when Workcell's answer is not the required one somewhere */
async function main() {
  const { group = [], json, help } = readOptions();
  const page = makePage(process.stdout, process.env);
  if (help) {
    page.line(usage);
    return 0;
  }
  const parent = mkdtempSync(path.join(PLACE, "workcell-compare-"));
  chmodSync(parent, 0o755);
  try {
    const result = await compare(group, json ? () => {} : page.pending, parent);
    page.line(json ? JSON.stringify(result, null, 2) : resultLines(result).join("\n"));
    return result.rows.every(({ ours, required }) => ours === required) ? 0 : 1;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

await ending(main);
