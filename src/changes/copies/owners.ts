import type { Entry } from "../../model/index.ts";
import type { CopyAs } from "../file-server.ts";

/** Under which numbers a folder's files stand in a session's copy of it. */
export interface Owners {
  /** The folder's own owner. */
  readonly folder: { readonly uid: number; readonly gid: number };
  /** Whom the copy belongs to: the session's uid, or the ordinary user himself. */
  readonly copy: { readonly uid: number; readonly gid: number };
  /** Groups that files may be given to; absent: all, for root. */
  readonly groups?: readonly number[];
}

type Numbers = { readonly uid: number; readonly gid: number };

/**
 * SECURITY(P8): as with an idmapped mount, what belongs to the folder's owner belongs to the session in its copy, and
 * nothing else: a file of somebody else's that is shut to the owner is shut to the cell.
 */
function intoCopy({ uid, gid }: Numbers, { folder, copy, groups }: Owners): Numbers {
  // An ordinary user can give nothing away.
  if (groups !== undefined) return { uid: copy.uid, gid: groups.includes(gid) ? gid : copy.gid };
  return {
    uid: uid === folder.uid ? copy.uid : uid,
    gid: gid === folder.gid ? copy.gid : gid,
  };
}

function outOfCopy({ uid, gid }: Numbers, { folder, copy, groups }: Owners): Numbers {
  if (groups !== undefined) return { uid, gid };
  return {
    uid: uid === copy.uid ? folder.uid : uid,
    gid: gid === copy.gid ? folder.gid : gid,
  };
}

/** Owner, bits and time of what stands in the copy for an entry of the folder or its layer. */
export const asInCopy = ({ mode, mtimeNs, ...entry }: Entry, owners: Owners): CopyAs => ({
  ...{ mode, mtimeNs },
  ...intoCopy(entry, owners),
});

/** The same for what goes from the copy into the layer. */
export const asInLayer = ({ mode, mtimeNs, ...entry }: Entry, owners: Owners): CopyAs => ({
  ...{ mode, mtimeNs },
  ...outOfCopy(entry, owners),
});
