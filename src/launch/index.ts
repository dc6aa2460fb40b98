/**
 * launch: turns a Plan into a running cell.
 * in: a Plan and the command's stdio. out: Running: ready, go, signal, kill, ended.
 * may import: plan.
 */
export { type CellGroup, findDeadGroups, makeCellGroup, removeDeadGroups } from "./cgroup.ts";
export type { Usage } from "./cgroup-usage.ts";
export { type CellListener, type CommandStdio, launchCell, type Running } from "./launch-cell.ts";
export { isAlive, startTime } from "./processes.ts";
export type { RefusedCall, SupervisorRecord } from "./supervisor-record.ts";
