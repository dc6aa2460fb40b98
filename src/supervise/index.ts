/**
 * supervise: stays with a running cell until it is empty.
 * in: Running, time limit, cancellation. out: how the command ended.
 * may import: launch.
 */
export { boundStart } from "./bound-start.ts";
export { type HeldLimits, type HoldInput, readyLimits } from "./hold-limits.ts";
export { judgeEnding } from "./judge-ending.ts";
export { denialOfPids, judgeLimit, type LimitFindings, reachedLimit } from "./judge-limit.ts";
export { meterOutput, type OutputMeter } from "./meter-output.ts";
export { supervise } from "./supervise.ts";
