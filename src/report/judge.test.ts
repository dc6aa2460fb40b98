import { describe, expect, test } from "vitest";
import {
  sampleDirect as direct,
  sampleObservations as found,
  sampleInside as inside,
  sampleOutside as outside,
} from "../../test/fixtures/sample-observations.ts";
import { drawEnvironment } from "./drawing.ts";
import { judgeEnvironment, judgeRows, summarizeRows } from "./judge.ts";
import { unmetRows } from "./markdown.ts";
import type { InsideView, Observations, OutsideView } from "./observations.ts";
import { referenceRows } from "./reference.ts";
import { selectRowIds } from "./select-rows.ts";

const statuses = (observations: Observations) =>
  Object.fromEntries(judgeRows(observations).map(({ id, status }) => [id, status]));
const within = (change: Partial<InsideView>) => ({ ...found, inside: { seen: { ...inside, ...change } } });
const without = (change: Partial<OutsideView>) => ({
  ...found,
  outside: { seen: { ...outside, ...change } },
});
const tried = (change: Partial<InsideView["attempts"]>) =>
  within({ attempts: { ...inside.attempts, ...change } });
const arrived = (change: Partial<OutsideView["arrivals"]>) =>
  without({ arrivals: { ...outside.arrivals, ...change } });

const notBuilt = ["agent.mcp.browser", "agent.mcp.cloudflare"];
const hostRows = ["hw.cpu", "hw.root-disk", "os.distribution", "os.kernel", "os.arch"];
const notApplicable = ["disk.root", "disk.efi"];
const others = [...notBuilt, ...hostRows, ...notApplicable];

test("judgeRows() gives every row of the reference once, in its order", () => {
  const rows = judgeRows(found);
  expect(rows.map(({ id, area, title, reference }) => ({ id, area, title, reference }))).toEqual(
    referenceRows,
  );
  expect(new Set(rows.map(({ id }) => id)).size).toBe(40);
});

test("an environment as the reference has it: 31 match, 5 host, 2 not applicable, 2 not built", () => {
  const expected = referenceRows.map(({ id }) => {
    if (notBuilt.includes(id)) return [id, "unknown"];
    if (hostRows.includes(id)) return [id, "host"];
    return [id, notApplicable.includes(id) ? "not-applicable" : "match"];
  });
  expect(statuses(found)).toEqual(Object.fromEntries(expected));
  expect(summarizeRows(judgeRows(found))).toBe(
    "31 match · 0 differ · 5 host · 2 not applicable · 2 not built",
  );
  expect(unmetRows(judgeRows(found)).map(({ id }) => id)).toEqual(notBuilt);
  expect(judgeEnvironment(found)).toMatchObject({ profile: "cowork", tier: "process", tunnel: "socat" });
});

test("the direct tunnel: rows that need the reference's forwarders differ, and say what is there instead", () => {
  const rows = judgeRows(direct);
  const differing = rows.filter(({ status }) => status === "differs");
  expect(Object.fromEntries(differing.map(({ id, observed }) => [id, observed]))).toEqual({
    "net.http":
      "HTTP answered; HTTPS answered; no forwarder: the gate itself accepts on 3128, on a socket made in the cell; but " +
      "there is no /tmp/claude-http-*.sock",
    "net.socks":
      "answered; no forwarder: the gate itself accepts on 1080, on a socket made in the cell; but there is no " +
      "/tmp/claude-socks-*.sock",
    "net.tunnel":
      "no forwarders: both listening sockets were made in the cell, and Workcell's own process accepts on them; but no " +
      "socat forwards 3128 to /tmp/claude-http-*.sock; no socat forwards 1080 to /tmp/claude-socks-*.sock; there is no " +
      "/tmp/claude-http-*.sock; there is no /tmp/claude-socks-*.sock",
    "proc.2": "`cellinit`: cellinit init -- node -; but it is no `bash`",
    "proc.3": "`node`: node -; but it is no `socat`",
    "proc.4": "there is no PID 4",
    "proc.5":
      "`workcell-agent`, the built-in agent, PID 3; `node`, the command given: Workcell's observer, PID 3; PID 4714 on " +
      "the host; but the agent has PID 3, not 5; it has PID 3, not 5",
  });
  expect(summarizeRows(rows)).toBe("24 match · 7 differ · 5 host · 2 not applicable · 2 not built");
});

test("a direct tunnel whose sockets are not the gate's is not drawn as one", () => {
  if (!("seen" in direct.outside)) throw new Error("the sample was not seen");
  const lost = { ...direct, outside: { seen: { ...direct.outside.seen, heldPorts: [3128] } } };
  expect(drawEnvironment(direct).missing).toEqual([]);
  expect(drawEnvironment(lost).missing).toEqual(["the sockets on the host", "the sockets in the cell"]);
});

test("what could not be observed is unknown with the reason, never match", () => {
  const why = { unseen: "the cell ended with 125" };
  const blind = {
    ...found,
    inside: why,
    outside: why,
    parentDeath: why,
    neighbours: why,
    memory: why,
    disk: why,
    agent: why,
  };
  for (const row of judgeRows(blind)) {
    if (notBuilt.includes(row.id) || notApplicable.includes(row.id)) continue;
    expect({ id: row.id, status: row.status }).toEqual({ id: row.id, status: "unknown" });
  }
  expect(judgeRows(blind).find(({ id }) => id === "os.hostname")).toMatchObject({
    observed: "could not be observed: the cell ended with 125",
  });
  expect(summarizeRows(judgeRows(blind))).toContain("not observed");
});

const ok = { ok: true, detail: "it worked" };
const failed = { ok: false, detail: "it failed" };
const [denial] = outside.denials;
if (denial === undefined) throw new Error("the sample has no denial");
const lost = (pid: number) => within({ processes: inside.processes.filter((one) => one.pid !== pid) });
const stranger = { pid: 4711, comm: "sshd", command: ["sshd"], session: 1, terminal: 0 };
const own = (...names: string[]) =>
  without({ ownNamespaces: outside.ownNamespaces.filter((name) => !names.includes(name)) });
const death = { processesBefore: 7, processesAfter: 0, mountsLeft: 0, afterMs: 31 };
const neighbours = "seen" in found.neighbours ? found.neighbours.seen : undefined;
const reach = (across: typeof ok, control: typeof ok): Observations =>
  neighbours
    ? {
        ...found,
        neighbours: { seen: { ...neighbours, towardsCell: [{ what: "signal", across, control }] } },
      }
    : found;
const terminal = (change: object) =>
  within({ processes: inside.processes.map((one) => (one.pid === 5 ? { ...one, ...change } : one)) });

describe("one thing that is not as required turns its rows, and no others", () => {
  const cases: readonly [string, Observations, readonly string[]][] = [
    ["another host name", within({ hostname: "debian" }), ["os.hostname"]],
    ["the host's UTS namespace", own("uts"), ["os.hostname"]],
    ["another program at PID 1 on the host", without({ program: "/usr/bin/runc" }), ["box.method"]],
    ["the host's network namespace", own("net"), ["box.net"]],
    ["a second interface", within({ interfaces: ["lo", "eth0"] }), ["box.net"]],
    ["no --unshare-net", without({ arguments: ["bwrap"] }), ["box.net"]],
    ["a direct connect", tried({ direct: ok }), ["box.net"]],
    ["a direct connect to an address", tried({ directToAddress: ok }), ["box.net"]],
    [
      "a direct connect without control",
      without({ controls: { ...outside.controls, direct: failed } }),
      ["box.net"],
    ],
    ["the host's PID namespace", own("pid"), ["box.pid"]],
    ["a stranger's process", within({ processes: [...inside.processes, stranger] }), ["box.pid"]],
    [
      "a survivor",
      { ...found, parentDeath: { seen: { ...death, processesAfter: 1 } } },
      ["box.die-with-parent"],
    ],
    ["a slow end", { ...found, parentDeath: { seen: { ...death, afterMs: 1200 } } }, ["box.die-with-parent"]],
    [
      "a mount left",
      { ...found, parentDeath: { seen: { ...death, mountsLeft: 1 } } },
      ["box.die-with-parent"],
    ],
    [
      "never alive",
      { ...found, parentDeath: { seen: { ...death, processesBefore: 0 } } },
      ["box.die-with-parent"],
    ],
    ["a controlling terminal", terminal({ terminal: 34816 }), ["box.new-session"]],
    ["a session of the host", terminal({ session: 0 }), ["box.new-session"]],
    ["/dev/tty opens", tried({ terminal: ok }), ["box.new-session"]],
    ["a neighbour that is reached", reach(ok, ok), ["box.neighbours"]],
    ["a neighbour test without control", reach(failed, failed), ["box.neighbours"]],
    ["no filter", within({ seccomp: "0" }), ["sec.mode"]],
    ["a call that should be refused", tried({ setuidBit: ok }), ["sec.mode"]],
    ["a call that should be allowed", tried({ plainMode: failed }), ["sec.mode"]],
    ["a single filter", within({ filters: 2 }), ["sec.filters"]],
    ["a refusal that the host was not told of", without({ denials: [] }), ["sec.filters"]],
    ["a refusal by another layer", without({ denials: [{ ...denial, layer: "gate" }] }), ["sec.filters"]],
    [
      "a refusal of another call",
      without({ denials: [{ ...denial, what: "mount by node" }] }),
      ["sec.filters"],
    ],
    ["new privileges", within({ noNewPrivs: "0" }), ["sec.nnp"]],
    [
      "a bounding set",
      within({ capabilities: { ...inside.capabilities, CapBnd: "0000000000000001" } }),
      ["sec.caps"],
    ],
    ["a privileged call", tried({ privileged: ok }), ["sec.caps"]],
    ["no HTTP", tried({ http: failed }), ["net.http"]],
    ["no HTTPS", tried({ https: failed }), ["net.http"]],
    ["HTTPS that never arrived", arrived({ https: 0 }), ["net.http"]],
    ["no proxy variable", within({ proxies: {} }), ["net.http", "net.socks", "net.ftp-grpc"]],
    ["no SOCKS", tried({ socks: failed }), ["net.socks"]],
    ["no FTP", tried({ ftp: failed }), ["net.ftp-grpc"]],
    ["gRPC that never arrived", arrived({ grpc: 0 }), ["net.ftp-grpc"]],
    ["no listening port", within({ listening: [3128] }), ["net.tunnel", "life.drawing"]],
    [
      "nothing on the host's end",
      without({ sockets: [] }),
      ["net.http", "net.socks", "net.tunnel", "life.drawing"],
    ],
    ["a refused request that arrived", arrived({ blocked: 1 }), ["net.control"]],
    ["a refused request that was answered", tried({ blocked: ok }), ["net.control"]],
    ["no decisions at the gate", without({ decisions: [] }), ["net.control", "life.drawing"]],
    ["no PID 2", lost(2), ["proc.2", "life.drawing"]],
    ["no PID 4", lost(4), ["net.tunnel", "proc.4", "life.drawing"]],
    ["a command at another PID", within({ pid: 6 }), ["proc.5", "life.drawing"]],
    ["a command that the host numbers otherwise", without({ command: { pid: 1, innerPid: 6 } }), ["proc.5"]],
    ["another name", within({ user: { ...inside.user, name: "root" } }), ["life.sessions"]],
    ["uid 0 on the host", without({ uid: 0 }), ["life.sessions"]],
    ["another session in sight", within({ sessions: ["brave-loving-maxwell", "other"] }), ["life.sessions"]],
  ];
  test.each(cases)("%s", (_, observations, turned) => {
    const before = statuses(found);
    const after = statuses(observations);
    expect(Object.keys(after).filter((id) => after[id] !== before[id])).toEqual(turned);
    expect(turned.map((id) => after[id])).toEqual(turned.map(() => "differs"));
  });
  test("every row that can match is turned by one of them", () => {
    const matching = referenceRows.map(({ id }) => id).filter((id) => !others.includes(id));
    const turned = new Set(cases.flatMap(([, , ids]) => ids));
    // Those of the limits are turned in judge-limits.test.ts.
    const limits = ["hw.ram", "hw.swap", "hw.session-disk", "disk.sessions"];
    const agents = ["agent.model", "agent.tools", "life.task"];
    // Those of the agent are turned in judge-agent.test.ts.
    const alone = [...limits, "proc.1", "proc.3", ...agents, "life.report"];
    expect(matching.filter((id) => !turned.has(id))).toEqual(alone);
    expect(statuses(lost(1))["proc.1"]).toBe("differs");
    expect(statuses(lost(3))["proc.3"]).toBe("differs");
  });
});

test("selectRowIds() takes ids and globs, and refuses what names no row", () => {
  expect([...selectRowIds("os.hostname, proc.*")]).toEqual([
    "os.hostname",
    ...[1, 2, 3, 4, 5].map((n) => `proc.${n}`),
  ]);
  expect(selectRowIds("*").size).toBe(40);
  for (const wrong of ["os.hostnam", "proc", "", "os.hostname,,", "sec.filter.", "osxhostname"]) {
    expect(() => selectRowIds(wrong)).toThrow(/no row has that id/);
  }
});
