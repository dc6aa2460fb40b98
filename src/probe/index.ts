/**
 * probe: asks the machine; the only room that does.
 * in: what is to be known. out: HostFacts, what a preset's tool says, the doctor's checks.
 * may import: settings.
 */

export { checkProgram, type ProgramCheck } from "./check-program.ts";
export { type DoctorContext, runDoctor, summarizeDoctor } from "./doctor.ts";
export { explainStartHere } from "./explain-start.ts";
export { type HostQuestions, probeFolder, probeHost } from "./facts.ts";
export { findTool, pathFolders } from "./find-tool.ts";
export { probeLimits } from "./limits.ts";
export { askPresets, type PresetRequest } from "./presets.ts";
export { findRuledPaths } from "./ruled-paths.ts";
