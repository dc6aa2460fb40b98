import { spawn } from "node:child_process";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import type { Denial, HostFacts, Plan, Policy } from "../model/index.ts";
import { type AuditLog, openAudit } from "../report/index.ts";
import { openGate } from "./open-gate.ts";
import type { RunRequest } from "./run-once.ts";
import { stateOf } from "./store.ts";
import { sweepSessions } from "./sweep.ts";

interface RecordsInput {
  readonly request: RunRequest;
  readonly facts: HostFacts;
  readonly policy: Policy;
  readonly plan: Plan;
}

/** Takes an exclusive lock on an open file: it belongs to the open file, not to the program that asked for it. */
export function lockBy(cellhost: string): (fd: number) => Promise<void> {
  return (fd) =>
    new Promise((resolve, reject) => {
      const child = spawn(cellhost, ["lock", "3"], { stdio: ["ignore", "ignore", "inherit", fd] });
      child.once("error", reject);
      child.once("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`cellhost lock ended with ${code}`)),
      );
    });
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
  const audit = openAudit(path.join(stateOf(facts), "audit.jsonl"), lockBy(facts.cellhost), {
    ...(request.onAudit === undefined ? {} : { onWritten: request.onAudit }),
    onRecovered: (note) => request.onNotice?.(note),
    onFailure: fail,
  });
  return { ...audit, close: () => audit.close().catch(fail) };
}

/** Opens what listens while a cell runs: the gate, and the audit log that its decisions go to. */
export async function openRecords(
  input: RecordsInput,
  denials: Denial[],
): Promise<{ close(): Promise<void> }> {
  const { request, facts, policy, plan } = input;
  const audit = openRunAudit(input);
  const gate = await openGate({
    plan,
    policy,
    env: facts.environment,
    emit: (event) => {
      audit.append(event);
      request.onEvent?.(event);
    },
    denied: (denial) => {
      denials.push(denial);
      request.onDenial?.(denial);
    },
  });
  sweepSessions(stateOf(facts), (notice) => request.onNotice?.(notice));
  return {
    close: async () => {
      try {
        await gate.close();
      } finally {
        await audit.close();
      }
    },
  };
}
