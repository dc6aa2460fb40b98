import { expect, test } from "vitest";
import {
  sampleAgent as agent,
  sampleObservations as found,
} from "../../test/fixtures/sample-observations.ts";
import { judgeRows } from "./judge.ts";
import type { AgentView } from "./observations.ts";

const rows = (seen: AgentView) => judgeRows({ ...found, agent: { seen } });
const [own, sub] = agent.requests;
if (own === undefined || sub === undefined) throw new Error("the sample has no requests");
const asking = (change: Partial<typeof own>) => ({ ...agent, requests: [{ ...own, ...change }, sub] });
const working = (change: Partial<AgentView["work"]>) => ({ ...agent, work: { ...agent.work, ...change } });
const six = own.tools.filter((name) => name !== "Write");
const all = ["agent.model", "agent.tools", "life.task"];

const cases: readonly [string, AgentView, readonly string[]][] = [
  ["another model", asking({ model: "some-other-model" }), ["agent.model"]],
  [
    "another model for the work, with the right one aside",
    asking({ model: "m", task: "x" }),
    ["agent.model"],
  ],
  ["six tools", asking({ tools: six }), ["agent.tools"]],
  ["an eighth tool", asking({ tools: [...own.tools, "WebFetch"] }), ["agent.tools"]],
  [
    "an eighth tool of a sub-agent's",
    { ...agent, requests: [own, { ...sub, tools: ["WebFetch"] }] },
    ["agent.tools"],
  ],
  ["no request", { ...agent, requests: [] }, ["agent.model", "agent.tools"]],
  ["requests that the gate did not see", { ...agent, decisions: [] }, ["agent.model", "agent.tools"]],
  ["an agent at another PID", { ...agent, process: { ...agent.process, innerPid: 6 } }, ["proc.5"]],
  ["work that failed", { ...agent, ending: "exited with 1: no" }, ["life.task"]],
  [
    "a tool of which nothing came",
    { ...agent, calls: agent.calls.map((call) => (call.name === "Edit" ? { ...call, failed: true } : call)) },
    ["life.task"],
  ],
  ["no sub-agent", { ...agent, calls: agent.calls.filter(({ bySubAgent }) => !bySubAgent) }, ["life.task"]],
  ["a folder that had changed before", working({ untouched: false }), ["life.task"]],
  ["a missing file", working({ found: {} }), ["life.task"]],
  ["a file too many", working({ found: { ...agent.work.found, "x.txt": "" } }), ["life.task"]],
  ["a wrong sum", working({ found: { ...agent.work.found, "summary.md": "13.00" } }), ["life.task"]],
];

test.each(cases)("%s turns its rows, and no others", (_, seen, turned) => {
  const before = new Map(judgeRows(found).map(({ id, status }) => [id, status]));
  const changed = rows(seen).filter(({ id, status }) => before.get(id) !== status);
  expect(changed.map(({ id, status }) => [id, status])).toEqual(turned.map((id) => [id, "differs"]));
});

test("a sub-agent's other model is said, and newer names of the same tool count", () => {
  const named = own.tools.map((name) => (name === "Task" ? "Agent" : name));
  const requests = [
    { ...own, tools: named },
    { ...sub, model: "small" },
  ];
  const found = rows({ ...agent, requests }).filter(({ id }) => id.startsWith("agent."));
  expect(found.slice(0, 2).map(({ status }) => status)).toEqual(["match", "match"]);
  expect(found[0]?.observed).toContain("(a part was asked of `small`)");
});

test("without an agent that could be observed none of its rows matches", () => {
  const unseen = judgeRows({ ...found, agent: { unseen: "the cell ended with 125" } });
  const unknown = unseen.filter(({ status }) => status === "unknown").map(({ id }) => id);
  expect(unknown).toEqual(expect.arrayContaining([...all, "proc.5"]));
});

test("the row of the model says what answered", () => {
  expect(rows(agent).find(({ id }) => id === "agent.model")?.observed).toBe(
    "`claude-opus-4-5-20251101` in 1 request; `scripted` answered, Workcell's own script and no AI",
  );
});
