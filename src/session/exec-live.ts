import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { TunnelName } from "../model/index.ts";
import { isLive, readMarker } from "./marker.ts";

/** A cell of a session whose command runs. */
export interface LiveCell {
  readonly cell: string;
  /** Its records. */
  readonly folder: string;
  readonly tunnel: TunnelName;
  /** Where it is asked for further commands; absent: a further command is a further cell. */
  readonly socket?: string;
  /** Variables that its first command got past the programs that start it, and a further one needs said anew. */
  readonly acting: Readonly<Record<string, string>>;
  /** Those of them whose value is not recorded, since the person gave it. */
  readonly unknown: readonly string[];
}

interface RecordedPlan {
  readonly tunnel: TunnelName;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
}

/** What stands in a recorded plan for a value that the person gave. */
const NOT_RECORDED = "(not recorded)";

/** Variables that a loader or shell acts on: the launchers of a cell never see them (src/plan/argv.ts). */
const isActing = ({ name }: { readonly name: string }) =>
  /^(LD_|GCONV_PATH$|GLIBC_TUNABLES$|BASH_ENV$|ENV$|NODE_OPTIONS$)/.test(name);

/** Undefined when the cell has no plan yet, or has gone. */
function readPlan(folder: string): RecordedPlan | undefined {
  const file = path.join(folder, "plan.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as RecordedPlan) : undefined;
}

function liveCell(state: string, name: string, cell: string): LiveCell | undefined {
  const folder = path.join(state, "sessions", name, "cells", cell);
  const plan = readPlan(folder);
  if (plan === undefined || existsSync(path.join(folder, "outcome.json"))) return undefined;
  const socket = path.join(folder, "exec");
  const acting = plan.environment.filter(isActing);
  const [unknown, known] = [true, false].map((is) =>
    acting.filter(({ value }) => (value === NOT_RECORDED) === is),
  );
  return {
    cell,
    folder,
    tunnel: plan.tunnel,
    ...(plan.tunnel === "direct" && existsSync(socket) && { socket }),
    acting: Object.fromEntries((known ?? []).map((variable) => [variable.name, variable.value])),
    unknown: (unknown ?? []).map((variable) => variable.name),
  };
}

/** The cells of a session that run, the one last started first. */
export function liveCells(state: string, name: string): readonly LiveCell[] {
  const running = path.join(state, "running");
  if (!existsSync(running)) return [];
  return readdirSync(running)
    .filter((file) => file.slice(0, file.lastIndexOf(".")) === name)
    .flatMap((file) => {
      const place = path.join(running, file);
      const marker = readMarker(place);
      if (marker === undefined || !isLive(marker)) return [];
      const startedMs = statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const cell = liveCell(state, name, file.slice(name.length + 1));
      return cell === undefined ? [] : [{ cell, startedMs }];
    })
    .sort((one, other) => other.startedMs - one.startedMs)
    .map(({ cell }) => cell);
}
