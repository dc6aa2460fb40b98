import { writeFileSync } from "node:fs";
import path from "node:path";
import { type CellGroup, launchCell, makeCellGroup, type Running } from "../launch/index.ts";
import { cacheFolder } from "../lib/xdg-folders.ts";
import type {
  Denial,
  HostFacts,
  LimitName,
  Outcome,
  Plan,
  Policy,
  Settings,
  Weaker,
} from "../model/index.ts";
import { buildPlan, isLayered } from "../plan/index.ts";
import { checkProgram } from "../probe/index.ts";
import { boundStart, denialOfPids, judgeLimit, readyLimits, supervise } from "../supervise/index.ts";
import { checkConnected } from "./check-connected.ts";
import { checkMountPoints } from "./check-mount-points.ts";
import { type Decided, decide } from "./decide.ts";
import { explainLaunch } from "./explain-launch.ts";
import type { Guard } from "./guard-live.ts";
import { type JoinedOutput, joinOutput } from "./join-output.ts";
import { prepareCell, recordPlan } from "./prepare-cell.ts";
import type { RunningCell, RunRequest } from "./request.ts";
import { imagineSession, type OpenSession, openSession } from "./store.ts";
import { findLeftovers } from "./sweep.ts";

/** The plan of a run that does not happen, for `--explain`. */
export async function explainRun(
  request: Omit<RunRequest, "stdio">,
): Promise<{ plan: Plan; policy: Policy; settings: Settings }> {
  const { settings, facts, policy, held } = await decide({ ...request, keepAnswers: false });
  const session = imagineSession({ settings, host: facts });
  const { command, terminal = false, kit } = request;
  const asked = { command, terminal, ...(kit && { kit }), ...(await ownFilters(settings, facts)) };
  const plan = buildPlan({ settings, policy, facts, session, ...facts.own, ...asked });
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
    const plan = buildPlan({ ...input, command, terminal, ...(kit && { kit }), ...filters });
    held?.keepOut(plan, policy);
    checkMountPoints(plan, session.facts.folder);
    prepareCell(plan, session);
    group = makeCellGroup(plan.cell, plan.limits, facts.limits.cgroups);
    const startedAt = performance.now();
    const output = joinOutput(request.stdio, plan.limits);
    // bwrap builds the cell while Workcell opens the gate; the command waits for both.
    const place = { folder: session.cellFolder, joinFiles: group?.joinFiles ?? [] };
    const { startLimitMs: limitMs, signal: cancel } = request;
    const bounds = { session: plan.session, limitMs, cancel, cellFolder: session.cellFolder };
    const running = boundStart(launchCell(plan, output.stdio, place), bounds);
    return await finishStart({ request, decided, plan, session, running, startedAt, output, group, guard });
  } catch (error) {
    await group?.remove();
    await guard?.close();
    session.abandon();
    throw await explainLaunch(error, facts);
  }
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

/** What came to stand in protected places is out before the outcome is said; else the next run finishes it. */
async function finishGuard({ guard, request }: Started): Promise<readonly Denial[]> {
  try {
    return (await guard?.finish()) ?? [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    request.onNotice?.(
      `The protected paths could not be looked after to the end (${why}); the next run tries again`,
    );
    return [];
  }
}

/** What the cell changed and nobody has applied yet is kept whatever happens. */
async function keepPending({ plan, session, decided, request }: Started): Promise<void> {
  if (plan.layers === undefined) return;
  const { closeLayers } = await import("./layers.ts");
  await closeLayers(session.facts, decided.facts, (line) => request.onNotice?.(line));
}

interface Started {
  readonly request: RunRequest;
  readonly decided: Decided;
  readonly plan: Plan;
  readonly session: OpenSession;
  readonly running: Running;
  readonly startedAt: number;
  readonly output: JoinedOutput;
  readonly group: CellGroup | undefined;
  readonly guard: Guard | undefined;
}

/** bwrap builds the cell for some ms: what its command will need is loaded by then, and what others left is found. */
async function makeReady(started: Started) {
  const { plan, session, decided } = started;
  const hold = await readyLimits(limitsOf(started));
  recordPlan(plan, session);
  const left = findLeftovers(decided.facts.own.records, decided.facts.limits);
  return { hold, left, begin: supervise };
}

async function finishStart(started: Started): Promise<RunningCell> {
  const { request, decided, plan, session, running, output } = started;
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
    setImmediate(() => records.sweep(left));
    return {
      plan,
      facts: decided.facts,
      ...(running.pids() ?? { hostPid: 0, commandPid: 0 }),
      stdin: running.stdin,
      stdout: running.stdout,
      stderr: running.stderr,
      kill: (signal) => running.signal(signal),
      outcome: supervised.then(async ({ ending, record }) => {
        try {
          const findings = await held.finish();
          await output.drained();
          const refusedPids = denialOfPids(findings);
          if (refusedPids !== undefined) records.deny(refusedPids);
          await records.refuse(record.refused);
          for (const denial of await finishGuard(started)) records.deny(denial);
          await takeOutAbsent(started, records);
          await records.close();
          return recordOutcome(started, {
            schema: "workcell.outcome/1",
            ...judgeLimit(ending, findings),
            durationMs: Math.round(performance.now() - started.startedAt),
            resources: record.used ?? { cpuMs: null, maxRssBytes: null },
            denials,
            weaker: [...plan.weaker, ...weakerLandlock(record.ready?.landlockAbi ?? 0)],
            session: plan.session,
            cell: plan.cell,
          });
        } finally {
          await started.group?.remove();
          await started.guard?.close();
          await keepPending(started);
          session.close();
        }
      }),
    };
  } catch (error) {
    running.kill();
    await running.ended;
    // What still listens would keep Workcell alive for ever.
    await closeRecords();
    throw error;
  }
}

/** Filters other than every cell's, where the settings want them. */
async function ownFilters({ refuseUnixSockets, tunnel }: Settings, { arch }: HostFacts) {
  if (refuseUnixSockets === undefined) return {};
  const { compileFilters } = await import("../plan/index.ts");
  return { filters: await compileFilters({ arch, tunnel: tunnel.value, refusesUnixSockets: true }) };
}

/** Takes out of live folders what was not to be written and could not be covered. */
async function takeOutAbsent(
  { request, decided, plan, guard }: Started,
  records: { deny(denial: Denial): void },
): Promise<void> {
  const { facts } = decided;
  if (guard === undefined || (facts.absentPaths ?? []).length === 0) return;
  const { takeOut } = await import("./take-out.ts");
  const folder = path.join(guard.quarantine, "settings");
  try {
    for (const denial of takeOut({ plan, facts, folder })) records.deny(denial);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    request.onNotice?.(`What was not to be written may have been, and could not be taken out: ${why}`);
  }
}

/** What the kernel's Landlock cannot do: scopes for signals and abstract sockets came with ABI 6 (Linux 6.12). */
function weakerLandlock(abi: number): readonly Weaker[] {
  if (abi >= 6) return [];
  return abi === 0 ? [{ limit: "landlock", how: "none" }] : [{ limit: "landlock-scope", how: `ABI ${abi}` }];
}

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

/** Keeps the outcome among the session's records. The command has its exit code, whether that can be done or not. */
function recordOutcome({ request, session }: Started, outcome: Outcome): Outcome {
  const file = path.join(session.cellFolder, "outcome.json");
  try {
    writeFileSync(file, `${JSON.stringify(outcome)}\n`, { mode: 0o600 });
  } catch (error) {
    request.onNotice?.(`Cannot write the outcome: ${error instanceof Error ? error.message : String(error)}`);
  }
  return outcome;
}

/** Runs a command in a cell and resolves to how it ended. */
export async function runOnce(request: RunRequest): Promise<Outcome> {
  const cell = await startCell(request);
  return cell.outcome;
}
