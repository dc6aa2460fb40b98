import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { observeAgent } from "../../src/observe/agent-task.ts";
import { judgeRows } from "../../src/report/index.ts";
import { sampleObservations } from "../fixtures/sample-observations.ts";

const root = path.resolve(import.meta.dirname, "../..");
const rowIds = ["proc.5", "agent.model", "agent.tools", "life.task"];

let place = "";
beforeAll(() => {
  place = realpathSync(mkdtempSync("/var/tmp/workcell-report-agent-"));
  cpSync(path.join(root, "dist"), path.join(place, "dist"), { recursive: true });
  mkdirSync(path.join(place, "home"));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

async function statuses(...words: readonly string[]) {
  const home = path.join(place, "home");
  const none = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] };
  const request = {
    flags: { ...none, profile: "cowork" },
    env: { PATH: process.env["PATH"] ?? "", HOME: home },
    ...{ cwd: home, home, installation: path.join(place, "dist") },
  };
  const seen = await observeAgent(request, { profile: "cowork", words });
  const rows = judgeRows({ ...sampleObservations, agent: { seen } });
  return Object.fromEntries(
    rows.filter(({ id }) => rowIds.includes(id)).map(({ id, status }) => [id, status]),
  );
}

const matching = Object.fromEntries(rowIds.map((id) => [id, "match"]));

test("an agent as the reference has it is reported so", async () => {
  expect(await statuses()).toEqual(matching);
});

test("an agent that offers six tools differs, and the task that needs the seventh is not done", async () => {
  expect(await statuses("--tools=Task,Bash,Glob,Grep,Read,Edit")).toEqual({
    ...matching,
    ...{ "agent.tools": "differs", "life.task": "differs" },
  });
});

test("an agent that asks for another model differs in that alone", async () => {
  expect(await statuses("--model=some-other-model")).toEqual({ ...matching, "agent.model": "differs" });
});

test("an agent that may not change anything does no everyday work", async () => {
  expect(await statuses("--disallowedTools=Edit,Write")).toEqual({ ...matching, "life.task": "differs" });
});
