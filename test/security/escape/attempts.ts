import type { EscapeAttempt } from "./attempt.ts";
import { terminalAttempts } from "./attempts-a.ts";
import { connectedAttempts, fileAttempts } from "./attempts-b.ts";
import { persistenceAttempts } from "./attempts-c.ts";
import { callAttempts } from "./attempts-d-calls.ts";
import { interfaceAttempts } from "./attempts-d-interfaces.ts";
import { ipcAttempts } from "./attempts-e.ts";
import { resourceAttempts } from "./attempts-h.ts";

/** All of them, in the order of the sections; those that this machine's processor knows. */
export const escapeAttempts: readonly EscapeAttempt[] = [
  ...terminalAttempts,
  ...fileAttempts,
  ...connectedAttempts,
  ...persistenceAttempts,
  ...callAttempts,
  ...interfaceAttempts,
  ...ipcAttempts,
  ...resourceAttempts,
].filter(({ arch }) => arch === undefined || arch === process.arch);
