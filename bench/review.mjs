import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildAll } from "../scripts/build.mjs";
import { isStamped } from "../scripts/setup/source-stamp.mjs";
import { ending } from "../scripts/setup/stop.mjs";
import { reviewHolds, reviewRows } from "./measure/judge-review.mjs";
import { machineLine, readMachine } from "./measure/machine.mjs";
import { preparePackage, timeReview, timeWork } from "./measure/review-work.mjs";
import { holdLines, readRounds, sayMeasured } from "./measure/say-measured.mjs";
import { tableLines } from "./measure/table.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const usage = `Usage: npm run bench:review -- [--rounds N] [--json]

Measures what review costs a real workload, and how long diff and apply take.

  --rounds N   how often each is run (default 5)
  --json       print the result as JSON

Example: npm run bench:review -- --rounds 9`;

/** @param {import("./measure/review-work.mjs").Place} place @param {number} rounds @param {(what: string) => void} pending */
function timeAll(place, rounds, pending) {
  const [rw, review] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  const many = [];
  for (let round = 1; round <= rounds; round += 1) {
    pending(`10,000 files, round ${round} of ${rounds}`);
    many.push(timeReview(place, round));
  }
  pending("downloading a package and what it needs");
  preparePackage(place);
  for (let round = 1; round <= rounds; round += 1) {
    pending(`npm ci and npm test, round ${round} of ${rounds}`);
    // Interleaved, each round in the other order: what the machine does else falls on both.
    const inReview = () => review.push(timeWork(place, "review"));
    if (round % 2 === 1) inReview();
    rw.push(timeWork(place, "rw"));
    if (round % 2 === 0) inReview();
  }
  return reviewRows([
    { id: "rw", what: "npm ci, npm test, live (rw)", seconds: rw },
    { id: "review", what: "npm ci, npm test, in review", seconds: review },
    { id: "diff", what: "diff, 10,000 files", seconds: many.map(({ diff }) => diff) },
    { id: "apply", what: "apply, 10,000 files", seconds: many.map(({ apply }) => apply) },
    { id: "undo", what: "undo, 10,000 files", seconds: many.map(({ undo }) => undo) },
  ]);
}

/** @param {number} rounds @param {(what: string) => void} pending */
async function measure(rounds, pending) {
  if (!isStamped(root)) {
    pending("building Workcell");
    await buildAll(root);
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-bench-"));
  try {
    const home = path.join(folder, "home");
    mkdirSync(home);
    const env = { PATH: process.env["PATH"] ?? "", HOME: home };
    const rows = timeAll({ workcell: path.join(root, "bin/workcell"), folder, env }, rounds, pending);
    const machine = readMachine(process.versions.node);
    return { schema: "workcell.bench-review/1", machine, rounds, rows, holds: reviewHolds(rows) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const hundredths = (/** @type {number} */ value) => value.toFixed(2);

/** @param {Awaited<ReturnType<typeof measure>>} result */
function resultLines({ machine, rounds, rows, holds }) {
  const cells = rows.map(({ what, minS, medianS, p95S }) => [what, ...[minS, medianS, p95S].map(hundredths)]);
  return [
    `Machine  ${machineLine(machine)}`,
    `Rounds   ${rounds} of each, interleaved, whole processes; times in s`,
    "",
    ...tableLines([["what", "min", "median", "p95"], ...cells]),
    "",
    ...holdLines(holds, hundredths),
  ];
}

await ending(() =>
  sayMeasured({ options: readRounds(usage, { usual: 5, most: 100 }), usage, measure, resultLines }),
);
