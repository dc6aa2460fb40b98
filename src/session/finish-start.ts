import path from "node:path";
import type { Denial, LimitName } from "../model/index.ts";
import { readyLimits, supervise } from "../supervise/index.ts";
import { checkConnected } from "./check-connected.ts";
import { endCell, type Started } from "./end-cell.ts";
import { recordPlan } from "./prepare-cell.ts";
import type { RunningCell } from "./request.ts";
import { findLeftovers } from "./sweep.ts";

/** What the kernel does not hold: memory and disk are watched from before the command begins. */
function limitsOf({ request, decided, plan, session, running, group }: Started) {
  const { folder, ownDisk = false } = session.facts;
  const { copies = [] } = plan.layers ?? {};
  return {
    limits: plan.limits,
    countSwap: decided.facts.limits.swapBytes > 0,
    ...(group === undefined ? {} : { group }),
    disk: {
      folders: [path.join(folder, "home"), path.join(folder, "tmp")],
      layers: [
        ...(plan.layers?.merged ?? []).map(({ layer }) => path.join(layer, "upper")),
        ...copies.map(({ copy }) => copy),
      ],
      ...(session.isFresh && copies.length === 0 ? { startBytes: 0 } : {}),
      loop: ownDisk,
    },
    onReached: () => running.kill(),
    onLost: (name: LimitName, cause: unknown) => {
      running.kill();
      const why = cause instanceof Error ? cause.message : String(cause);
      request.onNotice?.(`the cell was ended: its limit of ${name} could not be watched any more (${why})`);
    },
  };
}

/** bwrap builds the cell for some ms: what its command will need is loaded by then, and what others left is found. */
async function makeReady(started: Started) {
  const { plan, session, decided } = started;
  const hold = await readyLimits(limitsOf(started));
  recordPlan(plan, session);
  const { own, limits } = decided.facts;
  const left = started.looksAround ? findLeftovers(own.records, limits) : undefined;
  return { hold, left, begin: supervise };
}

/**
 * Lets the command of a cell that has been launched begin, once all of the cell is sealed, served and watched. Throws when it
 * cannot be; then nothing of the cell is alive.
 */
export async function finishStart(started: Started): Promise<RunningCell> {
  const { request, decided, plan, running, output } = started;
  const denials: Denial[] = [];
  let closeRecords = async () => {};
  try {
    const { openRecords } = await import("./cell-records.ts");
    const opening = openRecords({ request, ...decided, plan, running }, denials);
    // It may fail while others are waited for, and is waited for itself below.
    closeRecords = () => opening.then((records) => records.close()).catch(() => {});
    opening.catch(() => {});
    const { hold, begin, left } = await makeReady(started);
    const records = await opening;
    await running.ready;
    checkConnected(plan, running.pids()?.hostPid ?? 0);
    // SECURITY(P14): what stands there is taken down before the command could touch it.
    await started.guard?.begin();
    const held = hold(running.pids()?.hostPid ?? 0);
    const idle = output.meter(running, held);
    const how = {
      command: plan.command[0] ?? "",
      ...(plan.timeoutMs === undefined ? {} : { timeoutMs: plan.timeoutMs }),
      ...(request.signal === undefined ? {} : { cancel: request.signal }),
      ...(idle === undefined ? {} : { idle }),
    };
    const supervised = begin(running, how);
    // The command has gone, and needs nothing of this process for a moment.
    if (left !== undefined) setImmediate(() => records.sweep(left));
    return {
      plan,
      facts: decided.facts,
      ...(running.pids() ?? { hostPid: 0, commandPid: 0 }),
      stdin: running.stdin,
      stdout: running.stdout,
      stderr: running.stderr,
      kill: (signal) => running.signal(signal),
      outcome: supervised.then((ended) => endCell(started, { ...ended, held, records, denials })),
    };
  } catch (error) {
    running.kill();
    await running.ended;
    // What still listens would keep Workcell alive for ever.
    await closeRecords();
    throw error;
  }
}
