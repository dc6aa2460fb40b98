import { realpathSync } from "node:fs";
import os from "node:os";
import { codeOf } from "../errors/index.ts";
import { isInside } from "../lib/is-inside.ts";
import type { MountRequest, Sourced } from "../model/index.ts";
import { fileLayer } from "./file-layer.ts";
import type { FolderFile } from "./folder-file.ts";
import { invalidValue } from "./invalid-value.ts";
import type { Layer } from "./layer.ts";

/** The place with its links followed; as it is written when it does not exist, which connecting will refuse. */
function realPlace(place: string): string {
  try {
    return realpathSync(place);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return place;
    throw error;
  }
}

/** The content is agreed to, a link's target is not: what counts is where the folder really lies. */
function keepWithin(mount: Sourced<MountRequest>, folder: string): Sourced<MountRequest> {
  const { source } = mount.value;
  const real = realPlace(source);
  if (isInside(real, folder)) {
    return { ...mount, value: { ...mount.value, within: folder } };
  }
  throw invalidValue({
    what: "mount",
    value: source,
    origin: mount.origin,
    problem: `it lies at "${real}", outside the folder; a folder's own file may connect only what is in it`,
    remedy: `Take it out of the file, and name it yourself: workcell run -m ${source}:${mount.value.mode} ...`,
  });
}

/** What a folder's own settings file says, without what such a file may never say. */
export function folderLayer({ bytes, file, folder }: FolderFile): Layer {
  const layer = fileLayer(bytes, file, { cwd: folder, home: os.homedir(), env: {} });
  if (layer.uidRange !== undefined) {
    const { first, last } = layer.uidRange.value;
    throw invalidValue({
      what: "uid range",
      value: `${first}-${last}`,
      origin: layer.uidRange.origin,
      problem: "a folder's own file may never set it",
      remedy: "Set uidRange in your own settings.json, or with --uid-range",
    });
  }
  const [waived] = layer.waive ?? [];
  if (waived !== undefined) {
    throw invalidValue({
      what: "waiver",
      ...waived,
      problem: "a folder's own file may never do without a limit",
      remedy: "Set waive in your own settings.json, or with --waive",
    });
  }
  const [route] = layer.routes ?? [];
  if (route !== undefined) {
    throw invalidValue({
      what: "route",
      value: route.value.name,
      origin: route.origin,
      problem: "a folder's own file may never say where a credential of yours goes",
      remedy: "Set routes in your own settings.json, or in the file of --settings",
    });
  }
  return { ...layer, mounts: (layer.mounts ?? []).map((mount) => keepWithin(mount, folder)) };
}
