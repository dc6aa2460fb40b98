import type { HostFacts, LayersPlan, MergedFolder, PlannedMount, SessionFacts } from "../model/index.ts";

/** Covered in the cell's own mount namespace, as for root's mounts. */
const ROOT_SCRATCH = "/tmp";

function planMerged(mount: PlannedMount, session: SessionFacts, facts: HostFacts): MergedFolder {
  const { source = "", merged = "", owner = { uid: 0, gid: 0 } } = mount;
  const found = Object.values(facts.folders).find(({ realPath }) => realPath === source);
  const layer = session.layers?.find((one) => one.source === source);
  return {
    name: merged,
    lower: source,
    device: layer?.device ?? `${found?.device ?? 0}`,
    inode: layer?.inode ?? `${found?.inode ?? 0}`,
    layer: `${session.folder}/layers/${layer?.number ?? Number(merged.split("-")[1])}`,
    owner,
  };
}

/** What cellhost merges before bwrap starts; undefined when no folder is connected by `review` or `auto`. */
export function planLayers(
  session: SessionFacts,
  facts: HostFacts,
  folders: readonly PlannedMount[],
): LayersPlan | undefined {
  // One folder may stand at two places of the cell; it is merged once.
  const names = [...new Set(folders.flatMap(({ merged }) => merged ?? []))];
  const layered = names.flatMap((name) => folders.find(({ merged }) => merged === name) ?? []);
  if (layered.length === 0) return undefined;
  const copies = layered.flatMap(({ source = "", copy }) =>
    copy === undefined ? [] : [{ lower: source, copy }],
  );
  const folder = `${session.folder}/layers`;
  return {
    folder,
    // An ordinary user's cells bind from host paths, some below /tmp: nothing of that may be covered.
    scratch: session.uid === undefined ? `${folder}/scratch` : ROOT_SCRATCH,
    merged: layered
      .filter(({ copy }) => copy === undefined)
      .map((mount) => planMerged(mount, session, facts)),
    ...(copies.length > 0 && { copies }),
  };
}
