import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import type { AuditEvent, Denial, Plan } from "../model/index.ts";
import type { Attempt, InsideView, OutsideView, Seen } from "../report/index.ts";
import type { RunningCell } from "../session/index.ts";
import { commandLine, compareNamespaces, innerPid, programOf, statusField } from "./host-processes.ts";
import { heldListeners } from "./host-sockets.ts";
import { type ObserveRequest, startObserver } from "./run-observer.ts";
import { startServers, type TestServers } from "./servers.ts";

const TIME_MS = 30_000;

/** One cell, seen from both sides, and what the plan calls it. */
export interface Look {
  readonly plan: Pick<Plan, "profile" | "tier" | "tunnel" | "limits" | "sockets">;
  readonly inside: Seen<InsideView>;
  readonly outside: Seen<OutsideView>;
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function tried(act: () => Promise<string> | string): Promise<Attempt> {
  try {
    return { ok: true, detail: await act() };
  } catch (error) {
    return { ok: false, detail: reason(error) };
  }
}

async function connectOnce(where: { host: string; port: number }): Promise<string> {
  const socket = connect(where);
  await once(socket, "connect");
  socket.destroy();
  return "connected";
}

function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, agent: false }, (response) => {
      response.resume().on("end", () => resolve(`${response.statusCode}`));
    });
    request.on("error", reject);
  });
}

function setuidOutside(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-mode-"));
  try {
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    chmodSync(file, 0o4755);
    if ((statSync(file).mode & 0o4000) === 0) throw new Error("the bit was not kept");
    return "chmod 4755 went through";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same attempts on the host: a refusal inside means something only where these go through. */
async function tryControls({ targets }: TestServers): Promise<OutsideView["controls"]> {
  const { ports, address } = targets;
  return {
    direct: await tried(() => connectOnce({ host: "127.0.0.1", port: ports.http })),
    directToAddress: address && (await tried(() => connectOnce(address))),
    blocked: await tried(() => get(ports.blocked)),
    setuidBit: await tried(setuidOutside),
  };
}

/** What can be seen of the cell only while it runs. */
function lookFromHost({ hostPid, commandPid, plan }: RunningCell) {
  const { own, shared } = compareNamespaces(hostPid);
  const { folder, http: one, socks: other } = plan.sockets;
  const sockets = [one, other].map((name) => path.join(folder, name));
  return {
    pid: hostPid,
    program: programOf(hostPid),
    arguments: commandLine(hostPid),
    ownNamespaces: own,
    sharedNamespaces: shared,
    command: { pid: commandPid, innerPid: innerPid(commandPid) },
    uid: Number(statusField(commandPid, "Uid").split(/\s+/)[0]),
    workcell: {
      pid: process.pid,
      uid: process.getuid?.() ?? -1,
      filters: Number(statusField("self", "Seccomp_filters")),
    },
    hostname: os.hostname(),
    sockets: sockets.filter((file) => statSync(file, { throwIfNoEntry: false })?.isSocket()),
    heldPorts: heldListeners(hostPid),
  };
}

/** Both halves of one observation: the host looks while the observer is at work. */
async function observeCell(request: ObserveRequest, servers: TestServers): Promise<Look> {
  const decisions: AuditEvent[] = [];
  const denials: Denial[] = [];
  const observer = await startObserver({
    request,
    allowHosts: servers.allowHosts,
    task: { kind: "look", targets: servers.targets },
    signal: AbortSignal.timeout(TIME_MS),
    onEvent: (event) => decisions.push(event),
    onDenial: (denial) => denials.push(denial),
  });
  const { cell } = observer;
  // The observer waits for its program meanwhile: both look at the same processes.
  const seenFromHost = await seen(() => lookFromHost(cell));
  const inside = await seen(async () => (await observer.ask()) as InsideView);
  // The gate reports a connection when it is over, and all are over with the cell; so are refused calls.
  await observer.end();
  // Only now: the servers must not count the host's own requests as the cell's.
  const arrivals = { ...servers.arrivals };
  const controls = await tryControls(servers);
  const outside: Seen<OutsideView> =
    "seen" in seenFromHost
      ? { seen: { ...seenFromHost.seen, arrivals, decisions, denials, controls } }
      : seenFromHost;
  return { plan: cell.plan, inside, outside };
}

/** Makes an observation, or says why it could not be made. */
export async function seen<T>(look: () => Promise<T> | T): Promise<Seen<T>> {
  try {
    return { seen: await look() };
  } catch (error) {
    return { unseen: reason(error) };
  }
}

/** Starts a fresh cell and looks at it from inside and from the host at once. */
export async function lookAtCell(request: ObserveRequest): Promise<Look> {
  const servers = await startServers();
  try {
    return await observeCell(request, servers);
  } finally {
    servers.close();
  }
}
