/**
 * report: the audit log, and the environment report as rows, document and JSON.
 * in: audit events; observations. out: chained lines, rows with a status, Markdown.
 * may import: nothing but the ground floor.
 */
export { canonicalJson, GENESIS, hashOf, parseAuditLine, sealEvent } from "./audit-chain.ts";
export { type AuditLog, type AuditOptions, type Lock, openAudit } from "./audit-log.ts";
export { type AuditEntry, type FollowOptions, followAudit, readAudit } from "./audit-read.ts";
export { type AuditVerdict, verifyAudit } from "./audit-verify.ts";
export { type Drawing, drawEnvironment } from "./drawing.ts";
export { renderReportJson } from "./json.ts";
export { judgeEnvironment, judgeRows, summarizeRows } from "./judge.ts";
export { renderMarkdown, renderUnmet, unmetRows } from "./markdown.ts";
export type * from "./observations.ts";
export { type ReferenceRow, referenceRows } from "./reference.ts";
export { selectRowIds } from "./select-rows.ts";
