import path from "node:path";
import type { Observations, Seen } from "../report/index.ts";
import { observeAgent } from "./agent-task.ts";
import { type Look, lookAtCell, seen } from "./look.ts";
import { observeNeighbours } from "./neighbours.ts";
import { observeParentDeath } from "./parent-death.ts";
import { checkInstallation, type ObserveRequest } from "./run-observer.ts";
import { useUpDisk, useUpMemory } from "./use-up.ts";

const notAsked: Seen<never> = { unseen: "it was not asked for (--only)" };

type Wanted = ReadonlySet<string>;

/** Makes an observation for those of the rows that are wanted. */
async function when<T>(wanted: Wanted, rows: readonly string[], look: () => Promise<T>): Promise<Seen<T>> {
  return rows.some((row) => wanted.has(row)) ? seen(look) : notAsked;
}

/** Rows that an agent at work is needed for. */
const agentRows = ["proc.5", "agent.model", "agent.tools", "life.task"];

/** One after the other: each measures time, and small machines have two cores. */
async function observeOthers(request: ObserveRequest, wanted: Wanted) {
  return {
    parentDeath: await when(wanted, ["box.die-with-parent"], () => observeParentDeath(request)),
    neighbours: await when(wanted, ["box.neighbours"], () => observeNeighbours(request)),
  };
}

async function observeLimits(request: ObserveRequest, wanted: Wanted, { plan, inside }: Look) {
  const { limits } = plan;
  const place = {
    // The session that was looked at is over, and its folder gone; other sessions lie beside it.
    folder: path.resolve(plan.sockets.folder, "../.."),
    type: "seen" in inside ? inside.seen.disks.home.type : "",
  };
  const [memory, disk] = await Promise.all([
    when(wanted, ["hw.ram", "hw.swap"], () => useUpMemory(request, limits)),
    when(wanted, ["hw.session-disk", "disk.sessions"], () => useUpDisk(request, limits, place)),
  ]);
  return { memory, disk };
}

/**
 * Observes the environment by starting fresh cells. `wanted` are the rows the observations are for: what none of them
 * needs is left out. Throws when the settings are wrong or no cell can be started at all.
 */
export async function observe(request: ObserveRequest, wanted: Wanted): Promise<Observations> {
  checkInstallation(request.installation);
  const look = await lookAtCell(request);
  // Filling a disk is mostly waiting, and filling memory takes one core.
  const { profile, tier, tunnel } = look.plan;
  const [others, limits, agent] = await Promise.all([
    observeOthers(request, wanted),
    observeLimits(request, wanted, look),
    when(wanted, agentRows, () => observeAgent(request, { profile })),
  ]);
  return { profile, tier, tunnel, inside: look.inside, outside: look.outside, ...others, ...limits, agent };
}
