import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { makeDesk } from "../helpers/run-workcell.ts";

const root = path.resolve(import.meta.dirname, "../..");

test("bench:agent measures the first token and the idle memory of the built-in agent, in a cell and outside", () => {
  // The desk sees to it that what is measured is built.
  makeDesk({ name: "whoever runs the tests" })[Symbol.dispose]();
  const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, HOME: "/nonexistent" };
  const words = [path.join(root, "bench/agent.mjs"), "--rounds", "1", "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: "utf8", timeout: 50_000 });
  expect(stderr).toBe("");
  const { rows } = JSON.parse(stdout) as { rows: readonly Record<string, unknown>[] };
  const measured = { medianMs: expect.any(Number), overMs: expect.any(Number) };
  expect(rows).toMatchObject(
    ["outside", "standard", "cowork"].map((id) => ({ id, ...measured, idle: { bytes: expect.any(Number) } })),
  );
  const processes = rows.map(({ idle }) => (idle as { processes: number }).processes);
  // The reference's table, Workcell and what holds the cell.
  expect([processes[0], (processes[2] ?? 0) > (processes[1] ?? 0)]).toEqual([1, true]);
});
