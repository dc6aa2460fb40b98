import type { FoundPath, PlannedMount, SessionCover } from "../model/index.ts";

/**
 * What stands in protected places of folders that the cell writes to live, read-only over itself. It may have gone by
 * the time that the cell is built: then there is nothing to cover.
 */
export function planProtectedCovers(
  folders: readonly PlannedMount[],
  covers: readonly SessionCover[],
  rules: readonly FoundPath[],
): PlannedMount[] {
  const hidden = rules.filter(({ effect }) => effect === "hide");
  // SECURITY(P14): after the folders, or these would hide them again.
  return folders.flatMap((folder) => {
    if (folder.kind !== "bind" || folder.merged !== undefined) return [];
    return (
      covers
        .filter(({ source }) => source === folder.source)
        // What the cell does not see needs no cover, which would show it.
        .filter(
          ({ source, path }) => !hidden.some((rule) => `${source}/${path}/`.startsWith(`${rule.path}/`)),
        )
        .map(({ source, path, identity }) => ({
          kind: "ro-bind" as const,
          target: `${folder.target}/${path}`,
          source: `${source}/${path}`,
          ...(folder.owner && { owner: folder.owner }),
          identity,
          cover: true as const,
          reason: "protected: it acts on the host",
        }))
    );
  });
}
