import type { HostMount, PlannedMount, RootPlan, SessionFacts } from "../model/index.ts";
import { gatherMounts, linksToPrograms } from "./gather.ts";
import { isSystem } from "./system-view.ts";

/** Covered in the cell's own mount namespace; it exists everywhere, and cells have a /tmp of their own anyway. */
const SCRATCH = "/tmp";

/** A cover over a part of a connected folder is bound from that folder, as its owner is seen there. */
function isBelowConnected(source: string, mounts: readonly PlannedMount[]): boolean {
  return mounts.some(
    (mount) =>
      mount.owner !== undefined &&
      mount.merged === undefined &&
      (source === mount.source || source.startsWith(`${mount.source}/`)),
  );
}

/** What bwrap binds by itself: everything else that is not the system's, by a short name. */
function leftToBwrap(
  { session, mounts }: RootInput,
  gathered: readonly string[],
  prefix: string,
): readonly HostMount[] {
  const files = `${session.folder}/cells/${session.cell}`;
  const bases = new Map<string, Pick<HostMount, "readOnly" | "owner">>([[files, { readOnly: true }]]);
  for (const mount of mounts) {
    // A copy belongs to the dropped uid already, which could not walk to it.
    if (mount.copy !== undefined) bases.set(mount.copy, { readOnly: false });
    if (
      mount.source === undefined ||
      mount.merged !== undefined ||
      mount.cover === true ||
      gathered.includes(mount.target) ||
      (mount.kind !== "bind" && mount.kind !== "ro-bind")
    )
      continue;
    if (mount.source.startsWith(`${files}/`) || (isSystem(mount.source) && mount.owner === undefined))
      continue;
    if (mount.owner === undefined && isBelowConnected(mount.source, mounts)) continue;
    bases.set(mount.source, {
      readOnly: mount.kind === "ro-bind",
      ...(mount.owner === undefined ? {} : { owner: mount.owner }),
    });
  }
  return [...bases].map(([source, how], index) => ({ source, scratch: `${prefix}/m${index}`, ...how }));
}

interface RootInput {
  readonly session: SessionFacts;
  readonly mounts: readonly PlannedMount[];
  /** By its real path. */
  readonly bwrap: string;
  /** Folders are merged in the scratch file system, by a process that goes on needing the host's. */
  readonly isLayered: boolean;
}

/** What root's cellhost mounts for the dropped uid. */
export function planRoot(uid: number, input: RootInput): RootPlan {
  const { mounts, bwrap, isLayered } = input;
  const alone = gatherMounts(mounts, "");
  const toPrograms = isLayered ? undefined : linksToPrograms(bwrap, mounts, alone);
  const asRoot = toPrograms !== undefined;
  const found = asRoot ? alone : gatherMounts(mounts, SCRATCH);
  const targets = found.gathered.flatMap((one) => one.targets);
  return {
    ...{ uid, gid: uid, scratch: SCRATCH, asRoot, ...found },
    mounts: [
      ...found.mounts,
      ...leftToBwrap(input, targets, asRoot ? "" : SCRATCH),
      // bwrap reads its own mounts there, and makes the cell's from it.
      ...(asRoot ? [{ source: "/proc", scratch: "/proc", readOnly: false, devices: true } as const] : []),
    ],
    links: [...found.links, ...(toPrograms ?? [])],
    // bwrap builds in /tmp.
    folders: [...found.folders, ...(asRoot ? ["/tmp"] : [])],
  };
}
