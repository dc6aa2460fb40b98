import path from "node:path";
import { keptFolder, writeJournal } from "./journal.ts";
import type { Step } from "./step.ts";

/**
 * Says in its journal that a step keeps nothing any more, and resolves to the folder of what it kept, which may go then: a
 * step that says it can be undone has what it needs. What it wrote is still known. The caller holds the session's lock.
 */
export async function forgetKept(steps: string, step: Step): Promise<string> {
  await writeJournal(steps, { ...step, forgotten: true });
  return path.join(steps, keptFolder(step.number));
}
