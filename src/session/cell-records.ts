import { spawn } from "node:child_process";
import path from "node:path";
import type { Denial, HostFacts, Plan, Policy } from "../model/index.ts";
import { openAudit } from "../report/index.ts";
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

/** Opens what listens while a cell runs: the gate, and the audit log that its decisions go to. */
export async function openRecords(
  input: RecordsInput,
  denials: Denial[],
): Promise<{ close(): Promise<void> }> {
  const { request, facts, policy, plan } = input;
  const state = stateOf(facts);
  const audit = openAudit(path.join(state, "audit.jsonl"), lockBy(facts.cellhost), {
    ...(request.onAudit === undefined ? {} : { onWritten: request.onAudit }),
  });
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
  sweepSessions(state);
  return {
    close: async () => {
      await gate.close();
      await audit.close();
    },
  };
}
