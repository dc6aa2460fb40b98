import { isInside } from "../lib/is-inside.ts";
import type { EtcFolder, HostMount, PlannedMount } from "../model/index.ts";

const ETC = "/etc";

/** What cellhost can mount in a folder of its own: the system's parts, and files written for the cell. */
const isPlain = ({ kind, cover, owner, merged, copy }: PlannedMount) =>
  kind === "symlink" ||
  (kind === "ro-bind" && cover !== true && owner === undefined && merged === undefined && copy === undefined);

/**
 * Gathers what a cell sees in /etc. bwrap reads all mounts of its namespace again after each that it makes, so that
 * thirty small ones take it 3 ms; cellhost makes them in a tenth of that. Undefined where one of them is of another kind:
 * nothing can be made in a folder that is bound read-only.
 */
export function planEtc(
  mounts: readonly PlannedMount[],
  scratch: string,
): { readonly etc: EtcFolder; readonly mounts: readonly HostMount[] } | undefined {
  const gathered: PlannedMount[] = [];
  for (const mount of mounts) {
    // What lies in one of them finds its mount point there, and is left to bwrap.
    if (!mount.target.startsWith(`${ETC}/`) || gathered.some(({ target }) => isInside(mount.target, target)))
      continue;
    if (!isPlain(mount)) return undefined;
    gathered.push(mount);
  }
  if (gathered.length === 0) return undefined;
  const at = ({ target }: PlannedMount) => scratch + target;
  const links = gathered.filter(({ kind }) => kind === "symlink");
  const binds = gathered.filter(({ kind }) => kind === "ro-bind");
  return {
    etc: {
      scratch: scratch + ETC,
      links: links.map((mount) => ({ text: mount.source ?? "", scratch: at(mount) })),
      targets: gathered.map(({ target }) => target),
    },
    mounts: binds.map((mount) => ({
      source: mount.source ?? "",
      scratch: at(mount),
      readOnly: true,
      ...(isInside(mount.source ?? "", ETC) ? { system: true } : {}),
    })),
  };
}
