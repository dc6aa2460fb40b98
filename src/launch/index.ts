/**
 * launch: turns a Plan into a running cell.
 * in: a Plan and the command's stdio. out: Running: ready, go, signal, kill, ended.
 * may import: plan.
 */
export { type CellGroup, makeCellGroup, sweepCellGroups, warmCellGroups } from "./cgroup.ts";
export type { Usage } from "./cgroup-usage.ts";
export type { ControlRecord } from "./control-channel.ts";
export { type CommandStdio, launchCell, type RawEnding, type Running } from "./launch-cell.ts";
export { isAlive, startTime } from "./processes.ts";
