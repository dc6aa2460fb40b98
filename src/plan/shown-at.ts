import path from "node:path";
import { isInside } from "../lib/is-inside.ts";
import type { PlannedMount } from "../model/index.ts";

/** What a place of the host is seen through in a cell. */
export interface Shown {
  /** Where it stands in the cell. */
  readonly place: string;
  readonly mount: PlannedMount;
}

/** How a cell shows a path of the host, absolute and with links resolved, to be read alone; undefined: it does not. */
export function shownAt(mounts: readonly PlannedMount[], hostPath: string): Shown | undefined {
  for (const [index, mount] of mounts.entries()) {
    const { kind, source } = mount;
    if (kind !== "ro-bind" || source === undefined || !isInside(hostPath, source)) continue;
    const place = path.join(mount.target, path.relative(source, hostPath));
    // What is made later lies over it.
    const later = mounts.slice(index + 1).filter(({ kind }) => kind !== "remount-ro" && kind !== "symlink");
    if (!later.some(({ target }) => isInside(place, target))) return { place, mount };
  }
  return undefined;
}
