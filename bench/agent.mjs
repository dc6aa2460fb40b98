import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildAll } from "../scripts/build.mjs";
import { findProgram } from "../scripts/setup/run-program.mjs";
import { isStamped } from "../scripts/setup/source-stamp.mjs";
import { ending } from "../scripts/setup/stop.mjs";
import { ownEnv, serveToken, timeFirstToken, weighIdle } from "./measure/agent-work.mjs";
import { machineLine, readMachine } from "./measure/machine.mjs";
import { readRounds, sayMeasured } from "./measure/say-measured.mjs";
import { spreadOf } from "./measure/statistics.mjs";
import { tableLines } from "./measure/table.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const usage = `Usage: npm run bench:agent -- [--rounds N] [--json]

Measures an agent in a cell beside the same one outside: to the first token, and idle.

  --rounds N   how often each is run (default 11)
  --json       print the result as JSON

Example: npm run bench:agent -- --rounds 21`;

/** The agents, each outside and in cells. @returns {import("./measure/agent-work.mjs").Agent[]} */
function agents() {
  const workcell = [path.join(root, "bin/workcell"), "agent", "-m", "."];
  const own = path.join(root, "bin/workcell-agent");
  const print = ["--output-format", "stream-json", "--verbose"];
  const hears = [...print, "--input-format", "stream-json"];
  const builtIn = [
    { id: "outside", what: "built-in agent, no cell", argv: [own, "hi"], talk: [own, "--stream-json"] },
    ...["standard", "cowork"].map((profile) => ({
      id: profile,
      what: `built-in agent, ${profile}`,
      argv: [...workcell, "--profile", profile, "hi"],
      talk: [...workcell, "--profile", profile, "--stream-json"],
    })),
  ];
  if (findProgram("claude") === undefined) return builtIn;
  const env = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" };
  return [
    ...builtIn,
    ...[
      {
        id: "claude",
        what: "Claude Code, no cell",
        argv: ["claude", "-p", "hi", ...print],
        talk: ["claude", "-p", ...hears],
        env,
      },
      {
        id: "claude-standard",
        what: "Claude Code, standard",
        argv: [...workcell, "--json", "claude", "hi"],
        talk: [...workcell, "--stream-json", "claude"],
      },
    ],
  ];
}

/** @param {number} rounds @param {(what: string) => void} pending */
async function measure(rounds, pending) {
  if (!isStamped(root)) {
    pending("building Workcell");
    await buildAll(root);
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-bench-"));
  const api = await serveToken();
  try {
    const [home, cwd] = [path.join(folder, "home"), path.join(folder, "work")];
    for (const made of [home, cwd]) mkdirSync(made);
    writeFileSync(path.join(cwd, "note.txt"), "A file.\n");
    const key = { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "sk-of-nobody" };
    const place = { cwd, env: { ...ownEnv(), HOME: home, ...key } };
    const all = agents().map((agent) => ({ ...agent, ms: /** @type {number[]} */ ([]) }));
    for (const agent of all) await timeFirstToken(agent, place);
    for (let round = 1; round <= rounds; round += 1) {
      pending(`first token, round ${round} of ${rounds}`);
      // Interleaved, each round in the other order: what the machine does else falls on all.
      for (const agent of round % 2 === 0 ? all : [...all].reverse())
        agent.ms.push(await timeFirstToken(agent, place));
    }
    /** @typedef {{ bytes: number, processes: number }} Idle */
    /** @type {{ id: string, what: string, minMs: number, medianMs: number, p95Ms: number, idle: Idle }[]} */
    const rows = [];
    for (const agent of all) {
      pending(`memory of ${agent.what}`);
      const { id, what, ms } = agent;
      const { min, median, p95 } = spreadOf(ms);
      rows.push({ id, what, minMs: min, medianMs: median, p95Ms: p95, idle: await weighIdle(agent, place) });
    }
    const outside = (/** @type {string} */ id) =>
      rows.find((row) => row.id === (id.startsWith("claude") ? "claude" : "outside"))?.medianMs ?? Number.NaN;
    const compared = rows.map((row) => ({ ...row, overMs: row.medianMs - outside(row.id) }));
    const machine = readMachine(process.versions.node);
    return { schema: "workcell.bench-agent/1", machine, rounds, rows: compared, holds: [] };
  } finally {
    api.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const whole = (/** @type {number} */ value) => value.toFixed(0);

/** @param {Awaited<ReturnType<typeof measure>>} result */
function resultLines({ machine, rounds, rows }) {
  const cells = rows.map(({ what, minMs, medianMs, p95Ms, overMs, idle }) => [
    what,
    ...[minMs, medianMs, p95Ms, overMs].map(whole),
    (idle.bytes / 1024 ** 2).toFixed(1),
    `${idle.processes}`,
  ]);
  return [
    `Machine  ${machineLine(machine)}`,
    `Rounds   ${rounds} of each after one, interleaved; ms from the command to the first token that the model streams,`,
    "         which answers at once; idle: MiB (PSS) of all processes of a session that has answered and waits",
    "",
    ...tableLines([["what", "min", "median", "p95", "- no cell", "idle MiB", "processes"], ...cells]),
    ...(rows.some(({ id }) => id === "claude") ? [] : ["Claude Code left out: it is not on PATH"]),
  ];
}

await ending(() =>
  sayMeasured({ options: readRounds(usage, { usual: 11, most: 1000 }), usage, measure, resultLines }),
);
