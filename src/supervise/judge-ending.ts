import os from "node:os";
import type { SupervisorRecord } from "../launch/index.ts";
import type { Ending } from "../model/index.ts";

/** Why Workcell itself ended the command, if it did. */
export type Intervention = "timed-out" | "cancelled" | undefined;

function notStarted(code: 125 | 126 | 127, step: string, command: string): Ending {
  const reasons = {
    125:
      step === command ? "the tunnel's forwarders did not start" : `the command could not be sealed: ${step}`,
    126: `"${command}" is not executable in the cell`,
    127: `"${command}" was not found in the cell`,
  };
  return { status: "never-started", exitCode: code, signal: null, reason: reasons[code] };
}

function signalled(number: number): Ending {
  const found = Object.entries(os.constants.signals).find(([, value]) => value === number);
  const signal = (found?.[0] ?? "SIGKILL") as NodeJS.Signals;
  return { status: "signalled", exitCode: 128 + number, signal };
}

/** A wait status as wait() gives it: the signal below, the code above. */
function fromStatus(status: number): Ending {
  const signal = status & 0x7f;
  if (signal !== 0) return signalled(signal);
  return { status: "exited", exitCode: (status >> 8) & 0xff, signal: null };
}

/** Tells how the command ended from what cellhost and, in the reference tunnel, the shell said. PURE. */
export function judgeEnding(record: SupervisorRecord, intervention: Intervention, command: string): Ending {
  const { shell, failed, status } = record;
  const unstarted = failed?.code ?? shell.notStarted;
  if (unstarted !== undefined) return notStarted(unstarted, failed?.step ?? command, command);
  if (intervention === "timed-out") return { status: "timed-out", exitCode: 124, signal: null };
  if (intervention === "cancelled") return { status: "cancelled", exitCode: 130, signal: null };
  if (status !== undefined) return fromStatus(status);
  if (shell.exitCode === undefined) return { status: "forwarder-lost", exitCode: 137, signal: null };
  if (shell.signal !== undefined) return signalled(os.constants.signals[shell.signal]);
  return { status: "exited", exitCode: shell.exitCode, signal: null };
}
