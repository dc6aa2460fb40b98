import { expect, test } from "vitest";
import type { AuditEvent, Denial } from "../model/index.ts";
import { budgetAudit, keepDenials } from "./kept-refusals.ts";

const denial = (what: string, more: Partial<Denial> = {}): Denial => ({
  ...{ layer: "gate", rule: "not among 0 allowed hosts", origin: "built in", what, remedy: "allow it" },
  ...more,
});
const cell = { session: "brave-loving-maxwell", cell: "c1" };
const event = (subject: string, decision: "allow" | "deny"): AuditEvent => ({
  ...{ ...cell, kind: "request", decision, layer: "gate", rule: "r", origin: "o", subject },
});

test("keepDenials() keeps what differs in layer, what or rule, once each, and counts no repetition", () => {
  const kept: Denial[] = [];
  const denials = keepDenials(kept, cell.session);
  const all = [denial("a"), denial("b"), denial("a", { rule: "other" }), denial("a", { layer: "filter" })];
  expect([...all, ...all].map((each) => denials.add(each))).toEqual([
    ...[true, true, true, true],
    ...[false, false, false, false],
  ]);
  denials.close();
  expect(kept).toEqual(all);
});

test("keepDenials() keeps 200, and one last that counts the others", () => {
  const kept: Denial[] = [];
  const denials = keepDenials(kept, cell.session);
  const told = Array.from({ length: 5000 }, (_, index) => denials.add(denial(`connect h${index}:80`)));
  expect(told.filter(Boolean)).toHaveLength(200);
  expect(kept).toHaveLength(200);
  denials.close();
  denials.close();
  expect(kept.slice(199)).toEqual([
    denial("connect h199:80"),
    {
      layer: "limits",
      rule: "200 different refusals of a cell are told",
      origin: "built in",
      what: "4800 more refusals like these",
      remedy: "Run: workcell audit --denied --session brave-loving-maxwell",
    },
  ]);
});

test("keepDenials() cuts what is long", () => {
  const kept: Denial[] = [];
  keepDenials(kept, cell.session).add(denial("x".repeat(60_000), { remedy: "y".repeat(60_000) }));
  expect(kept.map(({ what, remedy }) => [what.length, remedy.length])).toEqual([[500, 500]]);
});

test("budgetAudit() passes 10,000 different refusals on, every connection, and counts the rest", () => {
  const written: AuditEvent[] = [];
  const budget = budgetAudit(cell, (each) => written.push(each) > 0);
  for (let index = 0; index < 33_456; index += 1) budget.add(event(`GET http://no-${index}/`, "deny"));
  expect(budget.add(event("GET http://yes/", "allow"))).toBe(true);
  expect(written).toHaveLength(10_001);
  expect(written.at(-1)).toEqual(event("GET http://yes/", "allow"));
  expect(budget.rest()).toEqual([
    {
      ...cell,
      kind: "request",
      decision: "deny",
      layer: "limits",
      rule: "10000 refusals of a cell are written",
      origin: "built in",
      subject: "23456 more refusals of this cell",
    },
  ]);
});

test("budgetAudit() counts what the log did not take, connections and refusals each", () => {
  let room = 2;
  const budget = budgetAudit(cell, () => room-- > 0);
  const taken = ["deny", "allow", "deny", "allow", "allow"] as const;
  expect(taken.map((decision, index) => budget.add(event(`x${index}`, decision)))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  const rule = "they came faster than the audit log could be written";
  expect(budget.rest().map((line) => [line.decision, line.rule, line.subject])).toEqual([
    ["allow", rule, "2 more connections of this cell"],
    ["deny", rule, "1 more refusals of this cell"],
  ]);
});

test("budgetAudit() adds no line where everything was taken", () => {
  const budget = budgetAudit(cell, () => true);
  budget.add(event("x", "deny"));
  expect(budget.rest()).toEqual([]);
});

test("budgetAudit() writes one refusal at once, its repetitions as a number: at growing intervals, and at the end", () => {
  const written: AuditEvent[] = [];
  let now = 0;
  const budget = budgetAudit(
    cell,
    (each) => written.push(each) > 0,
    () => now,
  );
  const [one, other] = [event("no.example:443", "deny"), event("no.example:80", "deny")];
  expect([budget.add(one), budget.add(one), budget.add(other)]).toEqual([true, false, true]);
  // Once a second for six hours.
  for (now = 1000; now <= 6 * 3_600_000; now += 1000) budget.add(one);
  const lines = written.filter(({ subject }) => subject === one.subject);
  expect(lines[0]).toEqual(one);
  expect(lines.length).toBeLessThan(15);
  const [rest, ...more] = budget.rest();
  expect([rest?.subject, more, budget.rest()]).toEqual([one.subject, [], []]);
  // None is lost.
  expect([...lines, rest].reduce((sum, line) => sum + (line?.repeats ?? 0), 0)).toBe(6 * 3600 + 1);
  expect(written.filter(({ subject }) => subject === other.subject)).toEqual([other]);
});

test("budgetAudit() counts on where the log did not take a sum", () => {
  let now = 0;
  let takes = true;
  const written: AuditEvent[] = [];
  const take = (each: AuditEvent) => takes && written.push(each) > 0;
  const budget = budgetAudit(cell, take, () => now);
  for (const at of [0, 1, 2]) {
    now = at * 100_000;
    budget.add(event("x", "deny"));
    takes = at !== 0;
    if (at === 0) takes = false;
  }
  expect(written.map(({ repeats }) => repeats)).toEqual([undefined, 2]);
});
