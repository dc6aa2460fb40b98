/**
 * supervise: stays with a running cell until it is empty.
 * in: Running, time limit, cancellation. out: how the command ended.
 * may import: launch.
 */
export { judgeEnding } from "./judge-ending.ts";
export { supervise } from "./supervise.ts";
