/**
 * session: the whole line from a request to an outcome, and the sessions' records on disk.
 * in: RunRequest. out: a running cell, its Outcome; the plan alone for --explain.
 * may import: settings, policy, probe, plan, launch, supervise, report, gate, changes.
 */
export { decide } from "./decide.ts";
export {
  chooseSession,
  countWaiting,
  doneSteps,
  isSession,
  isUndoable,
  type KnownSession,
  listSessions,
  removeSession,
  sessionBytes,
  waitingLayers,
} from "./find-sessions.ts";
export { type Layer, pendingLayers, sessionLayers } from "./layer-record.ts";
export { lockBy } from "./lock-by.ts";
export type { RunningCell, RunRequest } from "./request.ts";
export { openStep, type ReviewInput, reviewSession } from "./review.ts";
export { explainRun, runOnce, startCell } from "./run-once.ts";
