import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { CgroupFacts, CgroupParent } from "../model/index.ts";
import { type CgroupLayout, type CgroupPlace, parentsOf, parseCgroupLayout } from "./cgroup-layout.ts";

/** What of the file system decides where groups can be made. */
export interface CgroupView {
  readonly uid: number;
  /** True when a group can be made in this one, and processes can be put into it. */
  mayUse(folder: string): boolean;
  exists(file: string): boolean;
  /** The words of a file such as `cgroup.subtree_control`; none when it cannot be read. */
  words(file: string): readonly string[];
}

/** In version 2 the nearest group that hands the controller on; in version 1 the own one. */
function parentOf(place: CgroupPlace | undefined, controller: string, view: CgroupView) {
  if (place === undefined) return undefined;
  const { version } = place;
  const folder = parentsOf(place).find(
    (group) =>
      (version === 1 || view.words(path.join(group, "cgroup.subtree_control")).includes(controller)) &&
      view.mayUse(group),
  );
  return folder === undefined ? undefined : ({ version, folder } satisfies CgroupParent);
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
  const memory = parentOf(layout.memory, "memory", view);
  const pids = parentOf(layout.pids, "pids", view);
  const cpu = parentOf(layout.cpu, "cpu", view);
  // Version 2 counts CPU time in every group, and so does version 1 where the two controllers are mounted as one.
  const counts = parentOf(layout.cpuacct, "cpuacct", view);
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

/** Finds where the groups of cells can be made. Reads some small files and makes nothing: fit for every start. */
export function probeCgroups(): CgroupFacts {
  const layout = parseCgroupLayout(readProc("/proc/self/cgroup"), readProc("/proc/self/mountinfo"));
  return judgeCgroups(layout, {
    uid: process.getuid?.() ?? 0,
    mayUse: (folder) => mayWrite(folder) && mayWrite(path.join(folder, "cgroup.procs")),
    exists: existsSync,
    words: wordsOf,
  });
}
