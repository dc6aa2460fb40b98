import { writeFileSync } from "node:fs";
import path from "node:path";
import type { CellGroup, Running, SupervisorRecord } from "../launch/index.ts";
import { monotonicMs } from "../lib/monotonic.ts";
import type { Denial, Ending, Outcome, Plan, Weaker } from "../model/index.ts";
import { denialOfPids, type HeldLimits, judgeLimit } from "../supervise/index.ts";
import type { CellRecords } from "./cell-records.ts";
import type { Decided } from "./decide.ts";
import type { Guard } from "./guard-live.ts";
import type { JoinedOutput } from "./join-output.ts";
import type { RunRequest } from "./request.ts";
import type { OpenSession } from "./store.ts";

/** A cell whose processes run, with all that is to be closed at its end. */
export interface Started {
  readonly request: RunRequest;
  readonly decided: Decided;
  readonly plan: Plan;
  readonly session: OpenSession;
  readonly running: Running;
  readonly startedAt: number;
  readonly output: JoinedOutput;
  readonly group: CellGroup | undefined;
  readonly guard: Guard | undefined;
  /** Whether this start looks for what killed runs have left. */
  readonly looksAround: boolean;
}

/** How a cell's command ended, and who watched it. */
interface Ended {
  readonly ending: Ending;
  readonly record: SupervisorRecord;
  readonly held: HeldLimits;
  readonly records: CellRecords;
  readonly denials: readonly Denial[];
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

async function judge(started: Started, { ending, record, held, records, denials }: Ended): Promise<Outcome> {
  const { plan } = started;
  const findings = await held.finish();
  await started.output.drained();
  const refusedPids = denialOfPids(findings);
  if (refusedPids !== undefined) records.deny(refusedPids);
  await records.refuse(record.refused);
  for (const denial of await finishGuard(started)) records.deny(denial);
  await takeOutAbsent(started, records);
  await records.close();
  return recordOutcome(started, {
    schema: "workcell.outcome/1",
    ...judgeLimit(ending, findings),
    durationMs: Math.round(monotonicMs() - started.startedAt),
    resources: record.used ?? { cpuMs: null, maxRssBytes: null },
    denials,
    weaker: [...plan.weaker, ...weakerLandlock(record.ready?.landlockAbi ?? 0)],
    session: plan.session,
    cell: plan.cell,
  });
}

/** Judges how a cell ended, once it is empty, and takes down all that was set up for it, whatever happens. */
export async function endCell(started: Started, ended: Ended): Promise<Outcome> {
  try {
    return await judge(started, ended);
  } finally {
    await started.group?.remove();
    await started.guard?.close();
    await keepPending(started);
    started.session.close();
  }
}
