import type { PlannedMount, SealPlan } from "../model/index.ts";

const OPEN_FILES = 1024;

/**
 * Landlock under the mounts: everything visible may be read and run, only what is meant to be written may be changed.
 * Being in a Landlock domain at all is what keeps the command from tracing PIDs 1 to 4, whose uid it has.
 */
export function planSeal(home: string, folders: readonly PlannedMount[]): SealPlan {
  const writable = folders.filter(({ kind }) => kind === "bind").map(({ target }) => target);
  return {
    landlockRead: ["/"],
    // Of /proc and /dev a process writes what the kernel lets it: its own attributes, null, its terminal.
    landlockWrite: [home, "/tmp", "/var/tmp", "/dev", "/proc", ...writable],
    landlockRequired: true,
    rlimits: { nofile: OPEN_FILES, core: 0 },
  };
}
