/**
 * changes: what a session made different in a connected folder: read it, show it, carry it over, take it back.
 * in: layers, folders and the person's words. out: judged changes, patches, numbered steps.
 * may import: model, policy, errors, lib.
 */

export { besidePatch, NARROWEST } from "./beside.ts";
export { isWithin, shownPath } from "./byte-path.ts";
export type { HostHistory, Written } from "./conflicts.ts";
export {
  type LayerPlace,
  type OpenInput,
  type OpenLayer,
  openLayer,
  type StepResult,
} from "./connected-layer.ts";
export { copyOf, isUnsettled } from "./copies/copy-index.ts";
export { type CopyInput, makeCopy } from "./copies/make-copy.ts";
export type { Owners } from "./copies/owners.ts";
export { settleCopy } from "./copies/settle-copy.ts";
export {
  type DescribedChange,
  type DescribeInput,
  describeChanges,
  type FileDelta,
} from "./describe-changes.ts";
export type { FileFault } from "./file-error.ts";
export type { CopyAs, FileFinder, FileRoot, FileServer, Found, LayerEntry, Place } from "./file-server.ts";
export { markIgnored } from "./ignored.ts";
export { type JudgeOptions, type JudgingFacts, judgeChanges } from "./judge-changes.ts";
export { type FactsInput, readJudgingFacts } from "./judging-facts.ts";
export { Aside } from "./live/aside.ts";
export { type KnownThing, LiveFolder, type Look, type Taken } from "./live/live-folder.ts";
export { type AskedPlace, whyProtected } from "./live/why-protected.ts";
export { type Merged, type MergeInput, mergeText } from "./merge-text.ts";
export { opaqueFolders } from "./opaque-folders.ts";
export { type FileServerOptions, openFileServer } from "./open-file-server.ts";
export { isUntold, patchOf } from "./patch.ts";
export { type ProtectedPath, protectedPaths } from "./protected-paths.ts";
export { type ReadChangesInput, readChanges } from "./read-changes.ts";
export { remarkOf, shownSize } from "./remark.ts";
export { type JsonChange, type JsonDiff, jsonChange, jsonDiff, shownPatch, statLine } from "./render-diff.ts";
export { type BoundInput, boundSteps, forgetSteps, type StepsPlace } from "./steps/forget-steps.ts";
export { isForward, type Numbered, undosBetween } from "./steps/forward.ts";
export { type Glanced, glanceSteps } from "./steps/glance-steps.ts";
export { readSteps } from "./steps/journal.ts";
export { countChanged, type ListedStep, listSteps } from "./steps/list-steps.ts";
export type { Left } from "./steps/plan-apply.ts";
export { isOpenStep } from "./steps/run-step.ts";
export { spaceOf } from "./steps/space-of.ts";
export type { Done, Operation, Step } from "./steps/step.ts";
export { binaryPaths, type ChangeCounts, isSummedUp, summarise, summaryLine } from "./summarise.ts";
