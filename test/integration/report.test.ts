import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EnvironmentReport } from "../../src/model/index.ts";

const root = path.resolve(import.meta.dirname, "../..");
const USER = 54_321;
const isRoot = process.getuid?.() === 0;
const notBuilt = ["agent.mcp.browser", "agent.mcp.cloudflare"];

/** Memory of 2.8 GiB is used up only where there is as much, and some to spare. */
const hasRoom =
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) > 4 * 2 ** 20;
const unknown = [...(hasRoom ? [] : ["hw.ram"]), ...notBuilt];
const known = hasRoom ? 31 : 30;

/** In the direct tunnel the gate accepts on the cell's own sockets. */
const withoutForwarders = ["net.http", "net.socks", "net.tunnel", ...[2, 3, 4, 5].map((n) => `proc.${n}`)];

let place = "";
beforeAll(() => {
  // Not /tmp: root's launcher covers that in its own mount namespace.
  place = realpathSync(mkdtempSync("/var/tmp/workcell-report-"));
  chmodSync(place, 0o755);
  cpSync(path.join(root, "dist"), path.join(place, "dist"), { recursive: true });
  for (const who of ["root", "user"]) mkdirSync(path.join(place, who));
  if (isRoot) chownSync(path.join(place, "user"), USER, USER);
}, 60_000);
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Way {
  readonly asUser: boolean;
  /** A folder that comes first on PATH. */
  readonly before?: string;
  /** A build other than the one that is tested. */
  readonly dist?: string;
}

function workcell(args: readonly string[], { asUser, before, dist = "dist" }: Way) {
  const home = path.join(place, asUser ? "user" : "root");
  const drop = asUser && isRoot ? ["--reuid", `${USER}`, "--regid", `${USER}`, "--clear-groups"] : [];
  const words = [process.execPath, path.join(place, dist, "workcell.js"), ...args];
  const [program = "", ...rest] = drop.length > 0 ? ["setpriv", ...drop, ...words] : words;
  const search = [...(before ? [before] : []), process.env["PATH"]].join(":");
  const env = { PATH: search, HOME: home };
  return spawnSync(program, rest, { cwd: home, env, encoding: "utf8", timeout: 55_000 });
}

function reportRows(args: readonly string[], way: Way): EnvironmentReport["rows"] {
  const { stdout, stderr } = workcell(["report", "--format", "json", ...args], way);
  if (stdout === "") throw new Error(stderr);
  return (JSON.parse(stdout) as EnvironmentReport).rows;
}

const wrong = (rows: EnvironmentReport["rows"]) =>
  rows.filter(({ status }) => status === "differs").map(({ id, observed }) => `${id}: ${observed}`);

describe.each([
  ["root", { asUser: false }, isRoot],
  ["an ordinary user", { asUser: true }, true],
] as const)("workcell report as %s", (_, way, possible) => {
  test.runIf(possible)("profile cowork: every row that is built is as required", () => {
    const rows = reportRows(["--profile", "cowork"], way);
    expect(wrong(rows)).toEqual([]);
    expect(rows.filter(({ status }) => status === "unknown").map(({ id }) => id)).toEqual(unknown);
    expect(rows.filter(({ status }) => status === "match")).toHaveLength(known);
  });

  test.runIf(possible)("the reference's tunnel is as required in another profile too", () => {
    const rows = reportRows(["--tunnel", "socat", "--only", "net.*,proc.*,box.*,sec.*"], way);
    expect(wrong(rows)).toEqual([]);
    expect(rows.map(({ status }) => status)).toEqual(rows.map(() => "match"));
  });

  test.runIf(possible)("profile standard: what has no forwarder differs, and all else is as required", () => {
    const rows = reportRows(["--profile", "standard"], way);
    // Its memory is another one, as far as the host lets that be tried.
    const differing = [...(hasRoom ? ["hw.ram"] : []), ...withoutForwarders];
    expect(rows.filter(({ status }) => status === "differs").map(({ id }) => id)).toEqual(differing);
    expect(rows.filter(({ status }) => status === "unknown").map(({ id }) => id)).toEqual(unknown);
    expect(rows.filter(({ status }) => status === "match")).toHaveLength(known - differing.length);
    const observed = (id: string) => rows.find((row) => row.id === id)?.observed;
    expect(observed("net.tunnel")).toMatch(/^no forwarders: .*Workcell's own process accepts on them; but /);
    expect(observed("proc.2")).toMatch(/^`cellinit`: .*; but it is no `bash`$/);
    expect(observed("proc.5")).toMatch(
      /^`workcell-agent`, the built-in agent, PID 3; `node`, the command given: .*, PID 3; .*; but the agent has PID 3, /,
    );
    expect(observed("sec.filters")).toMatch(/the refused chmod was told to the host: (chmod|fchmodat2?) by /);
  });

  test.runIf(possible)("a limit that is waived is not reported as holding", () => {
    const home = path.join(place, way.asUser ? "user" : "root");
    const settings = path.join(home, "waived.json");
    writeFileSync(settings, JSON.stringify({ waive: ["memory", "disk"] }));
    chmodSync(settings, 0o644);
    const args = ["--settings", settings, "--profile", "cowork", "--only", "hw.ram,hw.session-disk"];
    const rows = reportRows(args, way);
    expect(rows.find(({ id }) => id === "hw.session-disk")?.status).toBe("differs");
    expect(rows.find(({ id }) => id === "hw.ram")?.status).toBe(hasRoom ? "differs" : "unknown");
    expect(rows.map(({ observed }) => observed)).toEqual(
      rows.map(() => expect.stringContaining("held by nothing: it is waived")),
    );
  });

  test.runIf(possible)("--verify says by its code whether all is as required, and prints what is not", () => {
    const whole = workcell(["report", "--profile", "cowork", "--verify"], way);
    expect([whole.status, whole.stdout.trim().split("\n").length]).toEqual([1, unknown.length]);
    const narrow = workcell(["report", "--verify", "--only", "os.hostname,sec.*,box.net"], way);
    expect([narrow.status, narrow.stdout]).toEqual([0, ""]);
  });
});

/** A bwrap that leaves one of its options out: everything else of the cell is as ever. */
function weakened(name: string, script: string): string {
  const folder = path.join(place, name);
  mkdirSync(folder);
  const real = spawnSync("which", ["bwrap"], { encoding: "utf8" }).stdout.trim();
  writeFileSync(path.join(folder, "bwrap"), `#!/bin/sh\n${script}\nexec ${real} "$@"\n`, { mode: 0o755 });
  return folder;
}
const without = (option: string) => `for a; do shift; [ "$a" = "${option}" ] || set -- "$@" "$a"; done`;

describe("a cell that lacks a feature is not reported as having it", () => {
  const way = (before: string): Way => ({ asUser: true, before });
  test.each([
    ["box.new-session", "session", without("--new-session")],
    ["os.hostname", "hostname", `for a; do shift; [ "$a" = claude ] && a=debian; set -- "$@" "$a"; done`],
    [
      "sec.filters",
      "filter",
      'n=0; for a; do shift; [ "$a" = --add-seccomp-fd ] && n=$((n + 1)) && [ $n = 1 ] && skip=1 && continue; ' +
        '[ "$skip" = 1 ] && skip=0 && continue; set -- "$@" "$a"; done',
    ],
  ])("%s", (id, name, script) => {
    const folder = weakened(name, script);
    expect(reportRows(["--only", id], way(folder)).map(({ status }) => status)).toEqual(["differs"]);
    // Control: the same way with nothing left out.
    const whole = weakened(`${name}-whole`, ":");
    expect(reportRows(["--only", id], way(whole)).map(({ status }) => status)).toEqual(["match"]);
  });
});

test("a process that outlives its Workcell is not reported as ended", () => {
  cpSync(path.join(place, "dist"), path.join(place, "stray"), { recursive: true });
  const cellhost = path.join(place, "stray/native/cellhost");
  renameSync(cellhost, `${cellhost}-itself`);
  const stray = "sleep 5 </dev/null >/dev/null 2>&1 3<&- 4<&- 5<&- 6<&- 7<&- &";
  writeFileSync(cellhost, `#!/bin/sh\n${stray}\n"$0-itself" "$@"\n`, { mode: 0o755 });
  const [row] = reportRows(["--only", "box.die-with-parent"], { asUser: true, dist: "stray" });
  expect(row).toMatchObject({
    status: "differs",
    observed: expect.stringMatching(/^\d processes before, 1 after .*alive after 1 s$/),
  });
});

describe("what bwrap is kept from doing, a second layer does", () => {
  test.each([
    ["sec.caps", "caps", `for a; do shift; [ "$a" = --cap-drop ] && a=--cap-add; set -- "$@" "$a"; done`],
    ["box.die-with-parent", "second-parent", without("--die-with-parent")],
  ])("%s", (id, name, script) => {
    const folder = weakened(name, script);
    expect(reportRows(["--only", id], { asUser: true, before: folder }).map(({ status }) => status)).toEqual([
      "match",
    ]);
  });
});

test("--output writes the document to a file, and its count to standard error", () => {
  const file = path.join(place, "user/report.md");
  const { status, stdout, stderr } = workcell(["report", "--only", "os.*", "--output", file], {
    asUser: true,
  });
  expect([status, stdout]).toEqual([0, ""]);
  expect(stderr).toBe("workcell: 1 match · 0 differ · 3 host · 0 not applicable · 0 not built\n");
  expect(readFileSync(file, "utf8")).toMatch(/^# Environment report\n/);
});

test("a report leaves nothing behind but the sessions' records and the audit log", () => {
  const way = { asUser: true };
  workcell(["report"], way);
  const state = path.join(place, "user/.local/state/workcell");
  const found = spawnSync("find", [state, "-type", "s", "-o", "-name", "home", "-o", "-path", "*/running/*"]);
  expect([found.status, String(found.stdout)]).toEqual([0, ""]);
  const verdict = workcell(["audit", "--verify"], way);
  expect(verdict.status).toBe(0);
  expect(verdict.stdout).toMatch(/chain intact, \d+ lines\n$/);
});
