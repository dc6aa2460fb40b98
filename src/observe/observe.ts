import type { Observations, Seen } from "../report/index.ts";
import { lookAtCell, seen } from "./look.ts";
import { observeNeighbours } from "./neighbours.ts";
import { observeParentDeath } from "./parent-death.ts";
import { checkInstallation, type ObserveRequest } from "./run-observer.ts";

const notAsked: Seen<never> = { unseen: "it was not asked for (--only)" };

/**
 * Observes the environment by starting fresh cells. `wanted` are the rows the observations are for: what none of them
 * needs is left out. Throws when the settings are wrong or no cell can be started at all.
 */
export async function observe(request: ObserveRequest, wanted: ReadonlySet<string>): Promise<Observations> {
  checkInstallation(request.installation);
  const look = await lookAtCell(request);
  // One after the other: each measures time, and small machines have two cores.
  const parentDeath = wanted.has("box.die-with-parent")
    ? await seen(() => observeParentDeath(request))
    : notAsked;
  const neighbours = wanted.has("box.neighbours") ? await seen(() => observeNeighbours(request)) : notAsked;
  const { profile, tier, tunnel } = look.plan;
  return { profile, tier, tunnel, inside: look.inside, outside: look.outside, parentDeath, neighbours };
}
