import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { CgroupFacts, CgroupParent } from "../model/index.ts";
import { type CgroupLayout, parentsOf, parseCgroupLayout } from "./cgroup-layout.ts";

/** What of the file system decides where groups can be made. */
export interface CgroupView {
  readonly uid: number;
  /** True when a group can be made in this one, and processes can be put into it. */
  mayUse(folder: string): boolean;
  exists(file: string): boolean;
  /** The words of a file such as `cgroup.subtree_control`; none when it cannot be read. */
  words(file: string): readonly string[];
}

type Controller = "memory" | "pids" | "cpu" | "cpuacct";

const handsOn = (view: CgroupView, group: string, controller: string) =>
  view.words(path.join(group, "cgroup.subtree_control")).includes(controller);

/**
 * Version 2 has a process in one group alone, so all its controllers come from one parent: the nearest that hands
 * memory on, or else processes, or else CPUs. A group further up would be outside of limits that Workcell is under.
 */
function sharedParent(layout: CgroupLayout, view: CgroupView): string | undefined {
  for (const controller of ["memory", "pids", "cpu"] as const) {
    const place = layout[controller];
    if (place?.version !== 2) continue;
    const nearest = parentsOf(place).find((group) => handsOn(view, group, controller) && view.mayUse(group));
    if (nearest !== undefined) return nearest;
  }
  return undefined;
}

/** Where each controller's groups are made; in version 1 that is the own group. */
function findParents(layout: CgroupLayout, view: CgroupView) {
  const shared = sharedParent(layout, view);
  return (controller: Controller): CgroupParent | undefined => {
    const place = layout[controller];
    if (place?.version === 1) return view.mayUse(place.own) ? { version: 1, folder: place.own } : undefined;
    return place !== undefined && shared !== undefined && handsOn(view, shared, controller)
      ? { version: 2, folder: shared }
      : undefined;
  };
}

const delegate =
  "start Workcell in a group of its own: systemd-run --user --scope -p Delegate=yes workcell ...";

/** Why there is no group for a controller; undefined when there is one for each. */
function missingFrom(layout: CgroupLayout, found: Pick<CgroupFacts, "memory" | "pids" | "cpu">, uid: number) {
  const names = (["memory", "pids", "cpu"] as const).filter((name) => found[name] === undefined);
  if (names.length === 0) return undefined;
  const list = names.join(", ");
  if (names.every((name) => layout[name] === undefined)) return `no control group hierarchy has ${list}`;
  if (uid === 0) return `no group for ${list} can be made in Workcell's own`;
  const version = names.map((name) => layout[name]?.version).find((number) => number !== undefined);
  const why = `this user may make no group for ${list}`;
  return version === 2 ? `${why}; ${delegate}` : why;
}

function kindOf(layout: CgroupLayout, parents: readonly (CgroupParent | undefined)[], uid: number) {
  const versions = new Set(parents.flatMap((parent) => (parent === undefined ? [] : [parent.version])));
  if (versions.size === 0) return "none";
  if (layout.hybrid) return "hybrid";
  if (versions.has(1)) return "v1";
  return uid === 0 ? "v2" : "delegated";
}

/** Swap is accounted for where a group has the file; the top of version 2 has none of its own, so it is believed. */
function accountsForSwap(memory: CgroupParent | undefined, layout: CgroupLayout, view: CgroupView): boolean {
  if (memory === undefined || layout.memory === undefined) return false;
  const { own, top, version } = layout.memory;
  if (version === 1) return view.exists(path.join(own, "memory.memsw.limit_in_bytes"));
  return own === top || view.exists(path.join(own, "memory.swap.max"));
}

/** Judges where the groups of cells can be made. PURE but for the view. */
export function judgeCgroups(layout: CgroupLayout, view: CgroupView): CgroupFacts {
  const parentOf = findParents(layout, view);
  const [memory, pids, cpu] = [parentOf("memory"), parentOf("pids"), parentOf("cpu")];
  // Version 2 counts CPU time in every group, and so does version 1 where the two controllers are mounted as one.
  const counts = parentOf("cpuacct");
  const cpuacct = counts?.version === 1 && counts.folder !== cpu?.folder ? counts : undefined;
  const missing = missingFrom(
    layout,
    { ...(memory && { memory }), ...(pids && { pids }), ...(cpu && { cpu }) },
    view.uid,
  );
  return {
    kind: kindOf(layout, [memory, pids, cpu], view.uid),
    swap: accountsForSwap(memory, layout, view),
    ...(memory && { memory }),
    ...(pids && { pids }),
    ...(cpu && { cpu }),
    ...(cpuacct && { cpuacct }),
    ...(missing !== undefined && { missing }),
  };
}

function mayWrite(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    // EACCES, EROFS or ENOENT: whichever it is, no group can be made there.
    return false;
  }
}

function wordsOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").trim().split(/\s+/);
  } catch {
    return [];
  }
}

function readProc(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A kernel without control groups, or a /proc that hides them.
    return "";
  }
}

/** The kernel's table of mounts, as it writes it. */
export const readMountTable = (): string => readProc("/proc/self/mountinfo");

/** Finds where the groups of cells can be made. Reads some small files and makes nothing: fit for every start. */
export function probeCgroups(mountTable = readMountTable()): CgroupFacts {
  const layout = parseCgroupLayout(readProc("/proc/self/cgroup"), mountTable);
  return judgeCgroups(layout, {
    uid: process.getuid?.() ?? 0,
    mayUse: (folder) => mayWrite(folder) && mayWrite(path.join(folder, "cgroup.procs")),
    exists: existsSync,
    words: wordsOf,
  });
}
