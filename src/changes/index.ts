/**
 * changes: what a session made different in a connected folder: read it, show it, carry it over, take it back.
 * in: layers, folders and the person's words. out: judged changes, patches, numbered steps.
 * may import: model, policy, errors, lib.
 */

export type { HostHistory, Written } from "./conflicts.ts";
export type { FileFault } from "./file-error.ts";
export type { CopyAs, FileRoot, FileServer, LayerEntry, Place } from "./file-server.ts";
export { type JudgeOptions, type JudgingFacts, judgeChanges } from "./judge-changes.ts";
export { type FactsInput, readJudgingFacts } from "./judging-facts.ts";
export { type FileServerOptions, openFileServer } from "./open-file-server.ts";
export { type ProtectedPath, protectedPaths } from "./protected-paths.ts";
export { type ReadChangesInput, readChanges } from "./read-changes.ts";
