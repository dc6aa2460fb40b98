import { type CellGroup, makeCellGroup } from "../launch/index.ts";
import type { HostFacts, Plan, Settings } from "../model/index.ts";
import { buildPlan, isLayered, type PlanInput } from "../plan/index.ts";
import { checkMountPoints } from "./check-mount-points.ts";
import type { Decided } from "./decide.ts";
import { explainLaunch } from "./explain-launch.ts";
import type { Guard } from "./guard-live.ts";
import { prepareCell } from "./prepare-cell.ts";
import type { RunRequest } from "./request.ts";
import { type OpenSession, openSession } from "./store.ts";

/** Everything that a cell needs before its first process. */
export interface ReadyCell {
  readonly session: OpenSession;
  readonly plan: Plan;
  /** Absent: no control group holds anything here. */
  readonly group: CellGroup | undefined;
  /** Absent: no folder is written to live. */
  readonly guard: Guard | undefined;
}

/** Makes all that is to be there before a cell is launched. Throws WorkcellError; then nothing of it is left. */
export async function readyCell(
  request: RunRequest,
  decided: Decided,
  copyBecause?: string,
): Promise<ReadyCell> {
  const { settings, facts, policy, held } = decided;
  const session = openSession({ settings, host: facts });
  let guard: Guard | undefined;
  try {
    const { command, terminal = false, kit } = request;
    const layers = await openSessionLayers(decided, session, { request, copyBecause });
    guard = await openLiveGuard(request, decided, session);
    const kept = { ...session.facts, ...layers, ...(guard && { covers: guard.covers }) };
    const input = { settings, policy, facts, session: kept, ...facts.own };
    const filters = await ownFilters(settings, facts);
    const plan = await planCovered({ ...input, command, terminal, ...(kit && { kit }), ...filters });
    held?.keepOut(plan, policy);
    checkMountPoints(plan, session.facts.folder);
    prepareCell(plan, session);
    return { session, plan, group: makeCellGroup(plan.cell, plan.limits, facts.limits.cgroups), guard };
  } catch (error) {
    await abandonReady({ session, guard });
    throw await explainLaunch(error, facts);
  }
}

/** Takes away a cell that never ran. */
export async function abandonReady({
  session,
  group,
  guard,
}: Pick<ReadyCell, "session" | "guard"> & Partial<Pick<ReadyCell, "group">>): Promise<void> {
  await group?.remove();
  await guard?.close();
  session.abandon();
}

/** The plan, with covers over what the command is not to find in connected folders; others pay nothing. */
export async function planCovered(input: PlanInput): Promise<Plan> {
  const plan = buildPlan(input);
  const { kit } = input;
  if (kit?.config === undefined) return plan;
  const { coversOf } = await import("./own-config.ts");
  const covers = coversOf(plan, kit);
  return covers.length === 0
    ? plan
    : buildPlan({ ...input, kit: { ...kit, files: [...kit.files, ...covers] } });
}

/** Where the session keeps what this cell changes in folders that are reviewed; runs without such a folder pay nothing. */
async function openSessionLayers(
  { settings, policy, facts }: Decided,
  session: OpenSession,
  { request, copyBecause }: { readonly request: RunRequest; readonly copyBecause: string | undefined },
) {
  if (!policy.folders.some(isLayered)) return {};
  const { openLayers } = await import("./layers.ts");
  const say = (line: string) => request.onNotice?.(line);
  const how = { say, cancel: request.signal, ...(copyBecause !== undefined && { copyBecause }) };
  return { layers: await openLayers({ settings, policy, facts, session, ...how }) };
}

/** Who looks after the protected paths of folders that are written to live; runs without such a folder pay nothing. */
async function openLiveGuard(
  request: RunRequest,
  { settings, policy, facts }: Decided,
  session: OpenSession,
) {
  if (!policy.folders.some(({ mode }) => mode === "rw")) return undefined;
  const { openGuard } = await import("./guard-live.ts");
  const { installation, cwd } = request;
  const say = (line: string) => request.onNotice?.(line);
  return openGuard({ session, settings, policy, state: facts.own.records, installation, cwd, say });
}

/** Filters other than every cell's, where the settings want them. */
export async function ownFilters({ refuseUnixSockets, tunnel }: Settings, { arch }: HostFacts) {
  if (refuseUnixSockets === undefined) return {};
  const { compileFilters } = await import("../plan/index.ts");
  return { filters: await compileFilters({ arch, tunnel: tunnel.value, refusesUnixSockets: true }) };
}
