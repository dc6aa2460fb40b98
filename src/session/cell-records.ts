import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import type { RefusedCall, Running } from "../launch/index.ts";
import { printable } from "../lib/printable.ts";
import { shortLine } from "../lib/short-line.ts";
import type { AuditEvent, Denial, HostFacts, Plan, Policy } from "../model/index.ts";
import { nameOfCall } from "../plan/index.ts";
import { type AuditLog, openAudit } from "../report/index.ts";
import { listGuards } from "./guard-record.ts";
import { budgetAudit, keepDenials } from "./kept-refusals.ts";
import { lockBy } from "./lock-by.ts";
import { readyGate } from "./open-gate.ts";
import type { RunRequest } from "./request.ts";
import type { HeldRoutes } from "./routes/hold-routes.ts";
import { type Leftovers, pruneRecords } from "./sweep.ts";

/** A command that has run so long, in `ms`, is not held up by what is done beside it. */
const LONG_RUN_MS = 200;

interface RecordsInput {
  readonly request: RunRequest;
  readonly facts: HostFacts;
  readonly policy: Policy;
  readonly plan: Plan;
  /** Absent: there is no route. */
  readonly held?: HeldRoutes;
  readonly running: Pick<Running, "listeners" | "ready">;
}

/** What listens and writes while a cell runs. */
export interface CellRecords {
  /** Takes down something that was refused. */
  deny(denial: Denial): void;
  /** Takes down the system calls that the cell's filter refused. */
  refuse(calls: readonly RefusedCall[]): Promise<void>;
  /** Clears what other runs left behind, as far as it was found. */
  sweep(left: Leftovers): void;
  close(): Promise<void>;
}

/** Says a failure once, however often it comes back. */
function sayOnce(say: ((line: string) => void) | undefined): (error: unknown) => void {
  const said = new Set<string>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    const remedy = error instanceof WorkcellError ? `; ${error.remedy}` : "";
    if (!said.has(message)) say?.(`${message}${remedy}`);
    said.add(message);
  };
}

/**
 * The audit log of a run. That it cannot be written is said, and neither ends the command nor takes its exit code.
 */
function openRunAudit({ request, facts }: RecordsInput): AuditLog {
  const fail = sayOnce(request.onNotice?.bind(request));
  const audit = openAudit(path.join(facts.own.records, "audit.jsonl"), lockBy(facts.cellhost), {
    ...(request.onAudit === undefined ? {} : { onWritten: request.onAudit }),
    onRecovered: (note) => request.onNotice?.(note),
    onFailure: fail,
  });
  return { ...audit, close: (last) => audit.close(last).catch(fail) };
}

async function denialOf({ nr, program }: RefusedCall, arch: HostFacts["arch"]): Promise<Denial> {
  const name = await nameOfCall(arch, nr);
  return {
    layer: "filter",
    rule: `${name} is not among the calls that are listed, or not with these arguments`,
    origin: "built in",
    what: `${name} by ${printable(program)}`,
    remedy: "Run the program outside a cell if it cannot do without; workcell run --explain lists the calls",
  };
}

/** What cells of killed runs left in folders that they wrote to live; without such nothing is loaded. */
async function recoverKilled(
  { request, facts }: RecordsInput,
  record: (event: AuditEvent) => void,
): Promise<void> {
  const state = facts.own.records;
  if (listGuards(state).length === 0) return;
  const { recoverGuards } = await import("./recover-guards.ts");
  const { installation } = request;
  await recoverGuards({ state, installation, record, say: (line) => request.onNotice?.(line) });
}

/** Opens what listens while a cell runs: the gate, and the audit log that its decisions go to. */
export async function openRecords(input: RecordsInput, denials: Denial[]): Promise<CellRecords> {
  const { request, facts, policy, plan, held, running } = input;
  const audit = openRunAudit(input);
  const { session, cell } = plan;
  const kept = keepDenials(denials, session);
  const budget = budgetAudit({ session, cell }, audit.append);
  const tell = (denial: Denial) => {
    if (kept.add(denial)) request.onDenial?.(denial);
  };
  const deny = (denial: Denial) => {
    tell(denial);
    const { layer, rule, origin, what } = denial;
    const subject = shortLine(what);
    budget.add({ session, cell, kind: "call", decision: "deny", layer, rule, origin, subject });
  };
  const ready = readyGate({
    plan,
    policy,
    env: facts.environment,
    ...(held && { credentials: held.credentials }),
    emit: (event) => {
      if (budget.add(event)) request.onEvent?.(event);
    },
    denied: tell,
  });
  // A cell that fails before it has made its sockets rejects `ready`, and never resolves the other.
  const listeners =
    plan.tunnel === "direct" ? await Promise.race([running.listeners, running.ready]) : undefined;
  const gate = await ready.open(listeners ?? undefined);
  let recovered: Promise<void> | undefined;
  return {
    deny,
    refuse: async (calls) => {
      for (const call of calls) deny(await denialOf(call, facts.arch));
    },
    sweep: (left) => {
      try {
        left.clear((notice) => request.onNotice?.(notice));
        recovered = recoverKilled(input, (event) => budget.add(event)).catch((error: unknown) =>
          request.onNotice?.(error instanceof Error ? error.message : String(error)),
        );
        setTimeout(() => pruneRecords(facts.own.records), LONG_RUN_MS).unref();
      } catch (error) {
        // The command runs, and what others left must not end it.
        request.onNotice?.(error instanceof Error ? error.message : String(error));
      }
    },
    close: async () => {
      try {
        held?.close();
        await gate.close();
        await recovered;
      } finally {
        kept.close();
        await audit.close(budget.rest());
      }
    },
  };
}
