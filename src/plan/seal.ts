import type { PlannedLimits, PlannedMount, SealPlan, Sourced, WaivableName } from "../model/index.ts";

interface SealInput {
  readonly home: string;
  readonly folders: readonly PlannedMount[];
  readonly limits: PlannedLimits;
  readonly waive: readonly Sourced<WaivableName>[];
}

/**
 * Landlock under the mounts: everything visible may be read and run, only what is meant to be written may be changed.
 * Being in a Landlock domain at all is what keeps the command from tracing PIDs 1 to 4, whose uid it has.
 */
export function planSeal({ home, folders, limits, waive }: SealInput): SealPlan {
  const writable = folders.filter(({ kind }) => kind === "bind").map(({ target }) => target);
  const processes = limits.held.pids === "rlimit" ? { nproc: limits.pids } : {};
  return {
    landlockRead: ["/"],
    // Of /dev a process writes what the kernel lets it: null, its terminal. Nothing of /proc: what a process may write of
    // its own there is that of the helpers too, whose uid it has.
    landlockWrite: [home, "/tmp", "/var/tmp", "/dev", ...writable],
    landlockRequired: !waive.some(({ value }) => value === "landlock"),
    rlimits: { nofile: limits.openFiles, core: 0, ...processes },
  };
}
