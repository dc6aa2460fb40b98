import type { Running, SupervisorRecord } from "../launch/index.ts";
import type { Ending } from "../model/index.ts";
import { type Intervention, judgeEnding } from "./judge-ending.ts";

/** Time between SIGTERM and SIGKILL, in ms. */
const GRACE_MS = 5000;

export interface Supervision {
  readonly command: string;
  /** Wall time in ms; absent: none. */
  readonly timeoutMs?: number;
  /** Cancels the command: SIGTERM, grace, SIGKILL. */
  readonly cancel?: AbortSignal;
  /** Aborted when the command has been silent for so many ms. */
  readonly idle?: { readonly signal: AbortSignal; readonly ms: number };
}

/**
 * Lets the command of a cell that is ready begin, watches the cell until it is empty, ends it when its time is up, and
 * says how it ended.
 */
export async function supervise(
  running: Running,
  how: Supervision,
): Promise<{ ending: Ending; record: SupervisorRecord }> {
  let intervention: Intervention;
  const timers: NodeJS.Timeout[] = [];
  const end = (why: Intervention) => {
    if (intervention !== undefined) return;
    intervention = why;
    if (!running.signal("SIGTERM")) running.kill();
    // A stopped process would never see the TERM.
    running.signal("SIGCONT");
    timers.push(setTimeout(() => running.kill(), GRACE_MS));
  };
  const onAbort = () => end("cancelled");
  how.idle?.signal.addEventListener("abort", () => end("timed-out"), { once: true });
  if (how.timeoutMs !== undefined) timers.push(setTimeout(() => end("timed-out"), how.timeoutMs));
  how.cancel?.addEventListener("abort", onAbort, { once: true });
  // Cancelled before its go-byte: there is no command yet that could be asked to end.
  if (how.cancel?.aborted) {
    intervention = "cancelled";
    running.kill();
  } else running.go();

  const record = await running.ended;
  for (const timer of timers) clearTimeout(timer);
  how.cancel?.removeEventListener("abort", onAbort);
  const ending = judgeEnding(record, intervention, how.command);
  if (ending.status !== "timed-out" || !how.idle?.signal.aborted) return { ending, record };
  return { ending: { ...ending, idleMs: how.idle.ms }, record };
}
