/**
 * session: the whole line from a request to an outcome, and the sessions' records on disk.
 * in: RunRequest. out: a running cell, its Outcome; the plan alone for --explain.
 * may import: settings, policy, probe, plan, launch, supervise, report, gate, changes.
 */
export { type Bounded, boundSession, type StepSpace, stepSpace } from "./bound-session.ts";
export { createSession } from "./create-session.ts";
export { decide, whyNotConnected } from "./decide.ts";
export {
  execFurther,
  type FurtherCommand,
  type FurtherEnd,
  type RunningFurther,
} from "./exec-further.ts";
export { type LiveCell, liveCells } from "./exec-live.ts";
export { type Exported, type ExportInput, exportSession } from "./export-session.ts";
export {
  countWaiting,
  type Found,
  findSession,
  isSession,
  isStanding,
  isUndoable,
  type KnownSession,
  listSessions,
  namedSession,
  openSteps,
  readOr,
  sessionSteps,
  stepsOf,
  type Wanted,
  waitingLayers,
} from "./find-sessions.ts";
export {
  type ForgetInput,
  type Forgotten,
  forgetOld,
  removeSession,
  stopSession,
} from "./forget-sessions.ts";
export { type Layer, pendingLayers, sessionLayers } from "./layer-record.ts";
export { lockBy } from "./lock-by.ts";
export { openStarter, type Starter, type StarterRequest } from "./open-starter.ts";
export { uncoveredIn } from "./own-config.ts";
export { replaceInLayer } from "./replace-in-layer.ts";
export type { RunningCell, RunRequest, RunRoute } from "./request.ts";
export { dropLostLayers, finishSteps, openStep, type ReviewInput, reviewSession } from "./review.ts";
export {
  type ModelCredential,
  type ModelCredentialKind,
  modelEnvironment,
  readModelCredential,
} from "./routes/model-credential.ts";
export { explainRun, runOnce, startCell } from "./run-once.ts";
export { sessionBytes } from "./session-bytes.ts";
