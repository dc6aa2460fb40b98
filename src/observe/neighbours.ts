import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Attempt, Neighbours, Reach } from "../report/index.ts";
import { processTree } from "./host-processes.ts";
import type { Belongings, Task } from "./inside/task.ts";
import {
  converse,
  type ObserveRequest,
  observerCommand,
  observerProgram,
  startObserver,
} from "./run-observer.ts";

const TIME_MS = 20_000;

/** Somebody with things of their own, who has reached them all as the control. */
interface Owner {
  readonly belongings: Belongings;
  readonly reached: Readonly<Record<string, Attempt>>;
  readonly session: string;
  end(): Promise<unknown>;
}

const makeMark = () => randomBytes(8).toString("hex");

async function startCellOwner(request: ObserveRequest): Promise<Owner> {
  const mark = makeMark();
  const task: Task = { kind: "stay", mark };
  const signal = AbortSignal.timeout(TIME_MS);
  const observer = await startObserver({ request, allowHosts: [], task, args: [mark], signal });
  try {
    const owner = (await observer.ask()) as Pick<Owner, "belongings" | "reached">;
    const { hostPid, plan } = observer.cell;
    // Others know its processes by the host's numbers, if at all.
    const pids = processTree(hostPid).map(({ pid }) => pid);
    return { ...owner, belongings: { ...owner.belongings, pids }, session: plan.session, end: observer.end };
  } catch (error) {
    await observer.end();
    throw error;
  }
}

/** The same program on the host itself, in a home of its own: a stand-in for whatever the person runs. */
async function startHostOwner(request: ObserveRequest): Promise<Owner> {
  const mark = makeMark();
  const home = mkdtempSync(path.join(os.tmpdir(), "workcell-host-"));
  const [program = "", ...args] = observerCommand(mark);
  const child = spawn(program, args, { env: { HOME: home }, stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
    for (const place of [
      `/tmp/workcell-${mark}`,
      `/tmp/workcell-${mark}.sock`,
      `/dev/shm/workcell-${mark}`,
    ]) {
      rmSync(place, { force: true });
    }
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const answer = await converse(child, observerProgram(request.installation, { kind: "stay", mark }));
    return { ...(answer as Pick<Owner, "belongings" | "reached">), session: "host", end };
  } catch (error) {
    await end();
    throw error;
  }
}

function pair(owner: Owner, across: Readonly<Record<string, Attempt>>): Reach[] {
  const missing = { ok: false, detail: "not tried" };
  return Object.entries(across).map(([what, attempt]) => {
    return { what, across: attempt, control: owner.reached[what] ?? missing };
  });
}

async function reachFromCell(request: ObserveRequest, neighbour: Owner, host: Owner): Promise<Neighbours> {
  const observer = await startObserver({
    request,
    allowHosts: [],
    task: { kind: "reach", belongings: [neighbour.belongings, host.belongings] },
    signal: AbortSignal.timeout(TIME_MS),
  });
  try {
    const [cellReached = {}, hostReached = {}] = (await observer.ask()) as Record<string, Attempt>[];
    return {
      sessions: [neighbour.session, observer.cell.plan.session],
      towardsCell: pair(neighbour, cellReached),
      towardsHost: pair(host, hostReached),
    };
  } finally {
    await observer.end();
  }
}

/** Two cells at once: the second tries every way to the first one's things and to the host's. */
export async function observeNeighbours(request: ObserveRequest): Promise<Neighbours> {
  // A session of the person's choice has one home; neighbours are two.
  const { session: _, ...flags } = request.flags;
  const fresh = { ...request, flags };
  const host = await startHostOwner(fresh);
  try {
    const neighbour = await startCellOwner(fresh);
    try {
      return await reachFromCell(fresh, neighbour, host);
    } finally {
      await neighbour.end();
    }
  } finally {
    await host.end();
  }
}
