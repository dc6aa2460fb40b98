import { readFileSync } from "node:fs";

/** Its bit in a set of capabilities (capability.h). */
const CAP_SYS_PTRACE = 19n;

/** Whether the text of `/proc/PID/status` gives a process the right to look into those of other users. */
export function seesOthers(status: string): boolean {
  const [, effective = "0"] = /^CapEff:\s+([0-9a-f]+)$/m.exec(status) ?? [];
  return ((BigInt(`0x${effective}`) >> CAP_SYS_PTRACE) & 1n) === 1n;
}

/** Whether Workcell may; root of a container mostly may not. */
export const maySeeOthers = (): boolean => seesOthers(readFileSync("/proc/self/status", "utf8"));
