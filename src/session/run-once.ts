import { launchCell } from "../launch/index.ts";
import { monotonicMs } from "../lib/monotonic.ts";
import { cacheFolder } from "../lib/xdg-folders.ts";
import type { Outcome, Plan, Policy, Settings } from "../model/index.ts";
import { checkProgram } from "../probe/index.ts";
import { boundStart } from "../supervise/index.ts";
import { type Decided, decide } from "./decide.ts";
import { explainLaunch } from "./explain-launch.ts";
import { finishInterrupted } from "./finish-interrupted.ts";
import { finishStart } from "./finish-start.ts";
import { joinOutput } from "./join-output.ts";
import { abandonReady, ownFilters, planCovered, type ReadyCell, readyCell } from "./ready-cell.ts";
import type { RunningCell, RunRequest } from "./request.ts";
import { imagineSession } from "./store.ts";

/** What many starts of one process have in common. */
export interface SharedStart {
  readonly decided: Decided;
  /** A cell that was made ready before it was asked for; undefined: there is none that this could be. */
  takeReady(request: RunRequest): ReadyCell | undefined;
  /** Whether this start looks for what killed runs have left; asked once by each. */
  looksAround(): boolean;
}

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
export async function startCell(request: RunRequest, shared?: SharedStart): Promise<RunningCell> {
  const told: string[] = [];
  const onNotice = (line: string) => {
    told.push(line);
    request.onNotice?.(line);
  };
  try {
    return await startOnce({ ...request, onNotice }, { shared });
  } catch (error) {
    // Where folders cannot be merged with layers, the cell works on copies of them.
    const { copyInstead } = await import("./copy-instead.ts");
    const instead = copyInstead(error, request, told);
    if (instead === undefined) throw error;
    return startOnce(instead.request, { copyBecause: instead.copyBecause });
  }
}

async function startOnce(
  request: RunRequest,
  { shared, copyBecause }: { readonly shared?: SharedStart | undefined; readonly copyBecause?: string },
): Promise<RunningCell> {
  const decided = shared?.decided ?? (await decide(request));
  request.onDecided?.(decided.settings);
  await finishInterrupted(decided, request);
  const ready = shared?.takeReady(request) ?? (await readyCell(request, decided, copyBecause));
  try {
    return await launchReady(request, { decided, ready, looksAround: shared?.looksAround() ?? true });
  } catch (error) {
    await abandonReady(ready);
    throw await explainLaunch(error, decided.facts);
  }
}

async function launchReady(
  request: RunRequest,
  { decided, ready, looksAround }: { decided: Decided; ready: ReadyCell; looksAround: boolean },
): Promise<RunningCell> {
  const { plan, session, group } = ready;
  const { env, home } = request;
  // SECURITY(P3): what seals the command is what the build made.
  checkProgram({ program: decided.facts.cellinit, cacheFolder: cacheFolder(env, home) });
  const startedAt = monotonicMs();
  const output = joinOutput(request.stdio, plan.limits);
  // bwrap builds the cell while Workcell opens the gate; the command waits for both.
  const place = { folder: session.cellFolder, joinFiles: group?.joinFiles ?? [] };
  const { startLimitMs: limitMs, signal: cancel } = request;
  const bounds = { session: plan.session, limitMs, cancel, cellFolder: session.cellFolder };
  const running = boundStart(launchCell(plan, output.stdio, place), bounds);
  request.onLaunched?.(decided.settings);
  return finishStart({ ...ready, request, decided, running, startedAt, output, looksAround });
}

/** Runs a command in a cell and resolves to how it ended. */
export async function runOnce(request: RunRequest): Promise<Outcome> {
  const cell = await startCell(request);
  return cell.outcome;
}
