import os from "node:os";
import type { RawEnding } from "../launch/index.ts";
import type { Ending } from "../model/index.ts";

/** Why Workcell itself ended the command, if it did. */
export type Intervention = "timed-out" | "cancelled" | undefined;

function notStarted(code: 125 | 126 | 127, command: string): Ending {
  const reasons = {
    125: "the tunnel's forwarders did not start",
    126: `"${command}" is not executable in the cell`,
    127: `"${command}" was not found in the cell`,
  };
  return { status: "never-started", exitCode: code, signal: null, reason: reasons[code] };
}

/** Tells how the command ended from what the shell said and what bwrap exited with. PURE. */
export function judgeEnding(raw: RawEnding, intervention: Intervention, command: string): Ending {
  const { control } = raw;
  if (control.notStarted !== undefined) return notStarted(control.notStarted, command);
  if (intervention === "timed-out") return { status: "timed-out", exitCode: 124, signal: null };
  if (intervention === "cancelled") return { status: "cancelled", exitCode: 130, signal: null };
  if (control.exitCode === undefined) return { status: "forwarder-lost", exitCode: 137, signal: null };
  if (control.signal !== undefined) {
    return {
      status: "signalled",
      exitCode: 128 + os.constants.signals[control.signal],
      signal: control.signal,
    };
  }
  return { status: "exited", exitCode: control.exitCode, signal: null };
}
