import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import { startTime } from "../launch/index.ts";
import { removeFile } from "./remove-file.ts";

/** Who runs a cell, and whether its session goes with it. */
export interface Marker {
  readonly pid: number;
  /** Start time of that process: together they name one process for ever. */
  readonly started: string;
  /** `durable`, `once`, or the host uid of a session that goes with its cell. */
  readonly kind: string;
}

const markerOf = (state: string, name: string, cell: string) =>
  path.join(state, "running", `${name}.${cell}`);

/**
 * Says that this process runs a cell of a session. It is put before anything else of the cell is made, and whole at
 * once: whatever a killed run leaves can be found by it. Returns how to take it away.
 */
export function putMarker(
  state: string,
  where: { readonly name: string; readonly cell: string },
  kind: string,
) {
  const marker = markerOf(state, where.name, where.cell);
  const draft = path.join(path.dirname(marker), `.${path.basename(marker)}`);
  mkdirSync(path.dirname(marker), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(draft, `${process.pid} ${startTime(process.pid)} ${kind}\n`);
    renameSync(draft, marker);
  } catch (error) {
    removeFile(draft);
    throw error;
  }
  return () => removeFile(marker);
}

/** What a marker says; undefined when it has just gone, or says nothing (yet). */
export function readMarker(file: string): Marker | undefined {
  try {
    const [pid, started, kind = ""] = readFileSync(file, "utf8").trim().split(" ").filter(Boolean);
    return pid === undefined || started === undefined ? undefined : { pid: Number(pid), started, kind };
  } catch (error) {
    // Its run has just ended.
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** True while the process that put it is alive. */
export const isLive = ({ pid, started }: Marker) => startTime(pid) === started;

/** True while the process that runs this cell is alive. */
export function isCellLive(state: string, name: string, cell: string): boolean {
  const marker = readMarker(markerOf(state, name, cell));
  return marker !== undefined && isLive(marker);
}

/** True when a run of this session has begun and not ended in order: it lives, or it was killed. */
export function hasMarker(state: string, name: string): boolean {
  const running = path.join(state, "running");
  if (!existsSync(running)) return false;
  return readdirSync(running).some((file) => file.slice(0, file.lastIndexOf(".")) === name);
}

/** The markers of this session's cells whose process lives. */
export function liveMarkers(state: string, name: string): readonly Marker[] {
  const running = path.join(state, "running");
  if (!existsSync(running)) return [];
  return readdirSync(running).flatMap((file) => {
    if (file.slice(0, file.lastIndexOf(".")) !== name) return [];
    const marker = readMarker(path.join(running, file));
    return marker !== undefined && isLive(marker) ? [marker] : [];
  });
}

/** True while any process runs a cell of this session. */
export const isSessionLive = (state: string, name: string): boolean => liveMarkers(state, name).length > 0;
