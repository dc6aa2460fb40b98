import { printable } from "../lib/printable.ts";
import type { InsideView, Observations, OutsideView } from "./observations.ts";
import { isHeldByGate, socketOf } from "./tunnel-ends.ts";

export interface Drawing {
  readonly text: string;
  /** Parts that could not be drawn, because they were not observed. */
  readonly missing: readonly string[];
}

const WIDTH = 96;

function fitted(text: string, width: number): string {
  const clean = [...printable(text)];
  const cut = clean.length > width ? [...clean.slice(0, width - 1), "…"] : clean;
  return cut.join("") + " ".repeat(width - cut.length);
}

/** Lines in a box with its title in the frame. */
function box(title: string, lines: readonly string[], width: number): string[] {
  const head = `┌─ ${printable(title)} `;
  return [
    `${[...head].slice(0, width - 2).join("")}${"─".repeat(Math.max(1, width - 1 - [...head].length))}┐`,
    ...lines.map((line) => `│ ${fitted(line, width - 4)} │`),
    `└${"─".repeat(width - 2)}┘`,
  ];
}

function columns(left: string, right: string, width: number): string {
  return `${fitted(left, width)}${right}`;
}

const bytes = (count: number) => (count < 1000 ? `${count} B` : `${(count / 1000).toFixed(1)} kB`);

/** The gate's decisions, one line for each subject. */
function gateLines(outside: OutsideView): string[] {
  const bySubject = new Map<string, OutsideView["decisions"][number][]>();
  for (const event of outside.decisions) {
    const key = `${event.decision} ${event.subject}`;
    bySubject.set(key, [...(bySubject.get(key) ?? []), event]);
  }
  return [...bySubject.values()].map((events) => {
    const [first] = events;
    const moved = events.reduce((sum, one) => sum + (one.bytesUp ?? 0) + (one.bytesDown ?? 0), 0);
    const word = first?.decision === "allow" ? "ok     " : "refused";
    const times = events.length > 1 ? `, ${events.length} times` : "";
    return `${word}  ${fitted(first?.subject ?? "", 44)} ${first?.decision === "allow" ? bytes(moved) : (first?.rule ?? "")}${times}`;
  });
}

const roles: Readonly<Record<string, string>> = {
  bwrap: "the sandbox",
  bash: "looks after the tunnels",
  cellinit: "made the ports, sealed the command, reaps what it leaves",
};

function processLines(inside: InsideView): string[] {
  return inside.processes.map(({ pid, comm, command }) => {
    const note = command.find((word) => /^TCP4?-LISTEN:/.test(word))?.replace(/,.*/, "") ?? "";
    const said = note || (roles[comm] ?? "");
    return `PID ${pid}  ${fitted(comm, 8)} ${pid === inside.pid ? "the command given: Workcell's observer" : said}`;
  });
}

function sealLine(inside: InsideView, outside: OutsideView): string {
  const caps = Object.values(inside.capabilities).every((set) => /^0+$/.test(set)) ? "none" : "some";
  const filters = inside.filters - outside.workcell.filters;
  const privileges = inside.noNewPrivs === "1" ? "none" : "possible";
  return `seccomp mode ${inside.seccomp}, ${filters} filters · new privileges ${privileges} · capabilities ${caps}`;
}

const isDirect = (outside: OutsideView) => isHeldByGate(outside, "http") && isHeldByGate(outside, "socks");

/** From the cell's end of the tunnel to its ports; in the direct tunnel the ports are that end. */
function portLines(inside: InsideView, outside: OutsideView, half: number): string[] {
  const ports = [
    columns("localhost:3128  HTTP, HTTPS", "localhost:1080  SOCKS5, FTP, gRPC", half),
    columns("  ▲", "  ▲", half),
  ];
  if (isDirect(outside)) return ports;
  return [
    columns(socketOf(inside, "http"), socketOf(inside, "socks"), half),
    columns("  ▲ socat", "  ▲ socat", half),
    ...ports,
  ];
}

function cellBox(inside: InsideView, outside: OutsideView, width: number): string[] {
  const { user } = inside;
  return box(
    `cell · host name ${inside.hostname} · own ${outside.ownNamespaces.join(", ")}`,
    [
      ...portLines(inside, outside, Math.floor(width / 2) - 2),
      ...box(`processes · network: ${inside.interfaces.join(", ")}`, processLines(inside), width - 4),
      sealLine(inside, outside),
      `folders: ${inside.rootFolders.map((name) => `/${name}`).join(" ")}`,
      ...box(`session ${user.name}`, [`home ${user.home} · uid ${user.uid}`], width - 4),
    ],
    width,
  );
}

/** The host's end of the tunnel, below the gate. */
function tunnelLines(outside: OutsideView, half: number): string[] {
  if (isDirect(outside))
    return [
      columns("  ▲", "  ▲", half),
      columns("accepts on the cell's own 3128", "accepts on the cell's own 1080", half),
      columns("  ▲ direct tunnel", "  ▲ direct tunnel", half),
    ];
  const [http = "", socks = ""] = ["-http-", "-socks-"].map(
    (kind) => outside.sockets.find((file) => file.includes(kind)) ?? "",
  );
  const tail = (file: string) => (file.length > half - 4 ? `…${file.slice(4 - half)}` : file);
  return [
    columns("  ▲", "  ▲", half),
    columns(tail(http), tail(socks), half),
    columns("  ▲ tunnel", "  ▲ tunnel", half),
  ];
}

function hostBox(inside: InsideView, outside: OutsideView): string[] {
  return box(
    `host ${outside.hostname} · ${inside.kernel.split(" ").slice(0, 2).join(" ")} · ${inside.arch}`,
    [
      ...box(`Workcell, PID ${outside.workcell.pid} · gate`, gateLines(outside), WIDTH - 4),
      ...tunnelLines(outside, Math.floor(WIDTH / 2) - 2),
      ...cellBox(inside, outside, WIDTH - 4),
    ],
    WIDTH,
  );
}

/** What a complete drawing shows, and whether it was there to be drawn. */
function missingParts(inside: InsideView, outside: OutsideView): string[] {
  const direct = isDirect(outside);
  const numbers = new Set(inside.processes.map(({ pid }) => pid));
  const parts: Readonly<Record<string, boolean>> = {
    "the gate's decisions": outside.decisions.length > 0,
    "the sockets on the host": direct || outside.sockets.length >= 2,
    "the sockets in the cell":
      direct || (socketOf(inside, "http") !== "" && socketOf(inside, "socks") !== ""),
    "the ports": [3128, 1080].every((port) => inside.listening.includes(port)),
    "the processes": [...Array(inside.pid).keys()].every((below) => numbers.has(below + 1)),
    "the folders": inside.rootFolders.length > 0,
    "the session": inside.user.home !== "",
  };
  return Object.entries(parts).flatMap(([part, there]) => (there ? [] : [part]));
}

/** The whole environment in one drawing, as it was found. */
export function drawEnvironment({ inside, outside }: Observations): Drawing {
  if (!("seen" in inside)) return { text: "", missing: ["the view from inside"] };
  if (!("seen" in outside)) return { text: "", missing: ["the view from the host"] };
  const text = hostBox(inside.seen, outside.seen).join("\n");
  return { text, missing: missingParts(inside.seen, outside.seen) };
}
