import { type CellGroup, launchCell, makeCellGroup } from "../launch/index.ts";
import { monotonicMs } from "../lib/monotonic.ts";
import { cacheFolder } from "../lib/xdg-folders.ts";
import type { HostFacts, Outcome, Plan, Policy, Settings } from "../model/index.ts";
import { buildPlan, isLayered, type PlanInput } from "../plan/index.ts";
import { checkProgram } from "../probe/index.ts";
import { boundStart } from "../supervise/index.ts";
import { checkMountPoints } from "./check-mount-points.ts";
import { type Decided, decide } from "./decide.ts";
import { explainLaunch } from "./explain-launch.ts";
import { finishInterrupted } from "./finish-interrupted.ts";
import { finishStart } from "./finish-start.ts";
import type { Guard } from "./guard-live.ts";
import { joinOutput } from "./join-output.ts";
import { prepareCell } from "./prepare-cell.ts";
import type { RunningCell, RunRequest } from "./request.ts";
import { imagineSession, type OpenSession, openSession } from "./store.ts";

/** The plan of a run that does not happen, for `--explain`. */
export async function explainRun(
  request: Omit<RunRequest, "stdio">,
): Promise<{ plan: Plan; policy: Policy; settings: Settings }> {
  const { settings, facts, policy, held } = await decide({ ...request, keepAnswers: false });
  const session = imagineSession({ settings, host: facts });
  const { command, terminal = false, kit } = request;
  const asked = { command, terminal, ...(kit && { kit }), ...(await ownFilters(settings, facts)) };
  const plan = await planCovered({ settings, policy, facts, session, ...facts.own, ...asked });
  held?.keepOut(plan, policy);
  return { plan, policy, settings };
}

/**
 * Starts a command in a cell of its own: the whole line from a request to a sealed, proxied, running command.
 * Resolves once the command runs. Throws WorkcellError when it cannot; then nothing of it is left.
 */
export async function startCell(request: RunRequest): Promise<RunningCell> {
  const told: string[] = [];
  const onNotice = (line: string) => {
    told.push(line);
    request.onNotice?.(line);
  };
  try {
    return await startOnce({ ...request, onNotice });
  } catch (error) {
    // Where folders cannot be merged with layers, the cell works on copies of them.
    const { copyInstead } = await import("./copy-instead.ts");
    const instead = copyInstead(error, request, told);
    if (instead === undefined) throw error;
    return startOnce(instead.request, instead.copyBecause);
  }
}

async function startOnce(request: RunRequest, copyBecause?: string): Promise<RunningCell> {
  const decided = await decide(request);
  const { settings, facts, policy, held } = decided;
  request.onDecided?.(settings);
  await finishInterrupted(decided, request);
  const session = openSession({ settings, host: facts });
  let group: CellGroup | undefined;
  let guard: Guard | undefined;
  try {
    const { command, terminal = false, kit, env, home } = request;
    // SECURITY(P3): what seals the command is what the build made.
    checkProgram({ program: facts.cellinit, cacheFolder: cacheFolder(env, home) });
    const layers = await openSessionLayers(decided, session, { request, copyBecause });
    guard = await openLiveGuard(request, decided, session);
    const kept = { ...session.facts, ...layers, ...(guard && { covers: guard.covers }) };
    const input = { settings, policy, facts, session: kept, ...facts.own };
    const filters = await ownFilters(settings, facts);
    const plan = await planCovered({ ...input, command, terminal, ...(kit && { kit }), ...filters });
    held?.keepOut(plan, policy);
    checkMountPoints(plan, session.facts.folder);
    prepareCell(plan, session);
    group = makeCellGroup(plan.cell, plan.limits, facts.limits.cgroups);
    const startedAt = monotonicMs();
    const output = joinOutput(request.stdio, plan.limits);
    // bwrap builds the cell while Workcell opens the gate; the command waits for both.
    const place = { folder: session.cellFolder, joinFiles: group?.joinFiles ?? [] };
    const { startLimitMs: limitMs, signal: cancel } = request;
    const bounds = { session: plan.session, limitMs, cancel, cellFolder: session.cellFolder };
    const running = boundStart(launchCell(plan, output.stdio, place), bounds);
    request.onLaunched?.(settings);
    return await finishStart({ request, decided, plan, session, running, startedAt, output, group, guard });
  } catch (error) {
    await group?.remove();
    await guard?.close();
    session.abandon();
    throw await explainLaunch(error, facts);
  }
}

/** The plan, with covers over what the command is not to find in connected folders; others pay nothing. */
async function planCovered(input: PlanInput): Promise<Plan> {
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
async function ownFilters({ refuseUnixSockets, tunnel }: Settings, { arch }: HostFacts) {
  if (refuseUnixSockets === undefined) return {};
  const { compileFilters } = await import("../plan/index.ts");
  return { filters: await compileFilters({ arch, tunnel: tunnel.value, refusesUnixSockets: true }) };
}

/** Runs a command in a cell and resolves to how it ended. */
export async function runOnce(request: RunRequest): Promise<Outcome> {
  const cell = await startCell(request);
  return cell.outcome;
}
