import type { HostMount, PlannedMount, RootPlan, SessionFacts } from "../model/index.ts";
import { planEtc } from "./etc-folder.ts";
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

/** What root's cellhost mounts for the dropped uid: everything that is not the system's. */
export function planRoot(session: SessionFacts, uid: number, mounts: readonly PlannedMount[]): RootPlan {
  const files = `${session.folder}/cells/${session.cell}`;
  const bases = new Map<string, Pick<HostMount, "readOnly" | "owner">>([[files, { readOnly: true }]]);
  for (const mount of mounts) {
    // A copy belongs to the dropped uid already, which could not walk to it.
    if (mount.copy !== undefined) bases.set(mount.copy, { readOnly: false });
    if (
      mount.source === undefined ||
      mount.merged !== undefined ||
      mount.cover === true ||
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
  const hostMounts = [...bases].map(([source, how], index) => ({
    source,
    scratch: `${SCRATCH}/m${index}`,
    ...how,
  }));
  const gathered = planEtc(mounts, SCRATCH);
  return {
    ...{ uid, gid: uid, scratch: SCRATCH },
    mounts: [...hostMounts, ...(gathered?.mounts ?? [])],
    ...(gathered && { etc: gathered.etc }),
  };
}
