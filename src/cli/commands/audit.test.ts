import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../../../test/helpers/command-context.ts";
import { failureOf } from "../../../test/helpers/failure.ts";
import { tempFolder } from "../../../test/helpers/temp-folder.ts";
import type { AuditEvent, AuditLine } from "../../model/index.ts";
import { GENESIS, sealEvent } from "../../report/index.ts";
import { audit } from "./audit.ts";

const event = (change: Partial<AuditEvent>): AuditEvent => ({
  ...{ session: "calm-kind-curie", cell: "c1", kind: "connect", decision: "allow", layer: "gate" },
  ...{ rule: "example.org", origin: "flag --allow-host", subject: "example.org:443" },
  ...change,
});

/** A world with a log of three decisions: an old one, a refusal, and one that failed. */
function world() {
  const home = tempFolder();
  const file = path.join(home, ".local/state/workcell/audit.jsonl");
  const events: [AuditEvent, string][] = [
    [event({ bytesUp: 500, bytesDown: 20_700, durationMs: 1234 }), "2026-01-02T03:04:05.678Z"],
    [event({ decision: "deny", rule: "no rule", subject: "evil\u001b[31m:80" }), new Date().toISOString()],
    [event({ session: "brave-loving-maxwell", failure: "ECONNREFUSED" }), new Date().toISOString()],
  ];
  const lines: AuditLine[] = [];
  for (const [one, time] of events)
    lines.push(sealEvent(one, time, lines.at(-1) ?? { seq: 0, hash: GENESIS }));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const run = (...argv: string[]) => runCommand(audit, argv, { home, cwd: home });
  return { file, lines, run };
}

test("audit lists decisions one a line, and lets none of them steer the terminal", async () => {
  const { run } = world();
  const { exitCode, stdout, stderr } = await run();
  const rows = stdout.trimEnd().split("\n");
  expect([exitCode, rows.length, stderr]).toEqual([0, 3, ""]);
  expect(rows[0]).toMatch(
    /^2026-01-02 03:04:05Z {2}calm-kind-curie +ok +example\.org:443 +21\.2 kB, 1\.2 s, example\.org \(flag --allow-host\)$/,
  );
  expect(rows[1]).toContain("refused  evil\\u001b[31m:80");
  expect(rows[2]).toContain("failed: ECONNREFUSED");
});

test.each([
  [["--denied"], [2]],
  [["--session", "brave-loving-maxwell"], [3]],
  [
    ["--since", "1h"],
    [2, 3],
  ],
  [["--since", "1h", "--session", "calm-kind-curie"], [2]],
  [[], [1, 2, 3]],
])("audit %j narrows the list", async (argv, numbers) => {
  const { run, lines } = world();
  const { stdout } = await run("--json", ...argv);
  const found = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(found).toEqual(lines.filter(({ seq }) => numbers.includes(seq)));
});

test("audit --verify says that the chain is intact, or where it breaks, and by its code", async () => {
  const { file, run } = world();
  const whole = { exitCode: 0, stdout: "3 decisions, 1 refused\nchain intact, 3 lines\n", stderr: "" };
  expect(await run("--verify")).toEqual(whole);
  writeFileSync(file, readFileSync(file, "utf8").replace('"decision":"deny"', '"decision":"allow"'));
  expect(await run("--verify")).toEqual({
    exitCode: 1,
    stdout: `3 decisions, 0 refused\nchain broken at line 2 of ${file}: its content does not match its hash\n`,
    stderr: "",
  });
  expect(JSON.parse((await run("--verify", "--json")).stdout)).toMatchObject({ intact: false, lines: 3 });
});

test("audit says that there is nothing yet, and that a line is none", async () => {
  const { file, run } = world();
  writeFileSync(file, "garbage\n");
  expect((await run()).stderr).toBe(
    `workcell: line 1 of ${file} is no audit line; see: workcell audit --verify\n`,
  );
  const home = tempFolder();
  const empty = await runCommand(audit, [], { home, cwd: home });
  expect([empty.exitCode, empty.stdout]).toEqual([0, ""]);
  expect(empty.stderr).toContain("No decisions yet");
});

test.each(["5x", "-1h", "", "1.5h", "h"])("audit --since %j is refused with a remedy", async (since) => {
  const { run } = world();
  expect(await failureOf(() => run(`--since=${since}`))).toEqual({
    code: "WC_USAGE",
    message: `Cannot list decisions since "${since}" (flag --since): it is no duration`,
    remedy: "Write it like 30s, 10m, 2h, 7d or 1w",
  });
});
