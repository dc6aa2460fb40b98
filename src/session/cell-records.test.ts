import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { planInput } from "../../test/helpers/plan-input.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { AuditLine, Denial } from "../model/index.ts";
import { buildPlan } from "../plan/index.ts";
import { openRecords } from "./cell-records.ts";

/** A run's records in a state of the test's own, with a lock that is always free or never. */
async function open(lock: "true" | "false", before: (log: string) => void = () => {}) {
  const home = tempFolder();
  const state = path.join(home, ".local/state/workcell");
  mkdirSync(state, { recursive: true });
  const log = path.join(state, "audit.jsonl");
  before(log);
  const base = planInput();
  const own = { records: state, steering: [] };
  const facts = { ...base.facts, home, environment: {}, own, cellhost: `/usr/bin/${lock}` };
  const plan = { ...buildPlan(base), sockets: { folder: home, http: "h.sock", socks: "s.sock" } };
  const [notices, written, denials]: [string[], AuditLine[], Denial[]] = [[], [], []];
  const counted = { told: 0 };
  const request = {
    ...{ flags: {}, env: {}, cwd: "/", home, installation: "/", command: [], stdio: [0, 1, 2] as const },
    onNotice: (line: string) => void notices.push(line),
    onAudit: (lines: readonly AuditLine[]) => void written.push(...lines),
    onDenial: () => void counted.told++,
  };
  const records = await openRecords({ request, facts, policy: base.policy, plan } as never, denials);
  return {
    ...{ log, home, records, notices, written, denials },
    get told() {
      return counted.told;
    },
  };
}

function ask(socketPath: string, place = "/"): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { socketPath, path: `http://no.example${place}`, headers: { host: "no.example" } },
      (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode));
      },
    );
    request.once("error", reject);
  });
}

test("openRecords() writes what the gate decides, and nothing listens after close()", async () => {
  const { log, home, records, notices, written, denials } = await open("true");
  expect(await ask(path.join(home, "h.sock"))).toBe(403);
  await records.close();
  expect(readFileSync(log, "utf8")).toBe(written.map((line) => `${JSON.stringify(line)}\n`).join(""));
  expect(written.map(({ kind, decision, subject }) => [kind, decision, subject])).toEqual([
    ["request", "deny", "GET http://no.example/"],
  ]);
  expect([notices, denials.length]).toEqual([[], 1]);
  await expect(ask(path.join(home, "h.sock"))).rejects.toThrow();
});

test("openRecords() keeps a flood of refusals small, and says how many more there were", async () => {
  const opened = await open("true");
  const { home, records, written, denials } = opened;
  expect(await ask(path.join(home, "h.sock"), `/${"A".repeat(7000)}`)).toBe(403);
  const refused = { layer: "filter", rule: "r", origin: "o", remedy: "m" } as const;
  for (let index = 0; index < 12_000; index += 1) {
    if (index % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
    records.deny({ ...refused, what: `mount by p${index}` });
  }
  await records.close();
  expect(denials).toHaveLength(201);
  expect([opened.told, denials[0]?.what.length]).toEqual([200, 500]);
  expect(denials.at(-1)?.what).toBe("11801 more refusals like these");
  expect(written).toHaveLength(10_001);
  expect(written[0]?.subject).toBe(`GET http://no.example/${"A".repeat(477)}…`);
  expect(written.at(-1)).toMatchObject({ kind: "call", subject: "2001 more refusals of this cell" });
});

test("openRecords() says once that the log cannot be written, and still closes", async () => {
  const { log, home, records, notices, written } = await open("false");
  await ask(path.join(home, "h.sock"));
  await vi.waitFor(() => expect(notices).toHaveLength(1), 15_000);
  await ask(path.join(home, "h.sock"));
  await records.close();
  expect(notices).toEqual([
    `Cannot write the audit log "${log}": cellhost lock ended with 1; it must be a file that you can append to; ` +
      `Run: ls -ld ${path.dirname(log)} ${log}; make both yours, and free some space`,
  ]);
  expect(written).toEqual([]);
  await expect(ask(path.join(home, "h.sock"))).rejects.toThrow();
});

test("openRecords() says that a crash's torn line was set aside", async () => {
  const { log, home, records, notices } = await open("true", (file) => writeFileSync(file, '{"torn'));
  await ask(path.join(home, "h.sock"));
  await records.close();
  expect(notices).toEqual([`Set aside 6 bytes of a torn last line in "${log}": kept in "${log}.torn"`]);
});
