import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import { newDevice } from "../lib/folder-identity.ts";
import type { MountMode } from "../model/index.ts";
import { isCellLive } from "./marker.ts";
import { takeAway } from "./take-away.ts";

/** What layer.json holds: which folder a layer is of, and how it began. */
export interface LayerRecord {
  readonly schema: "workcell.layer/1";
  /** The person's folder, absolute, symlinks resolved. */
  readonly folder: string;
  /** In decimal digits. */
  readonly device: string;
  readonly inode: string;
  /** When the folder was made, in ns; absent where its file system does not say, and in older records. */
  readonly born?: string;
  readonly keepsBirth?: true;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits of the folder, which `upper` began with. */
  readonly permissions: number;
  readonly name: string;
  readonly mode: MountMode;
  /** Kernel time in ns, in decimal digits: the ctime of the fresh `upper`. What has a later one was changed by somebody else since. */
  readonly baseTimeNs: string;
  /** Cells that use it, or did. */
  readonly cells: readonly string[];
  /** Whom the copy belongs to that cells work on; absent: layer and folder are merged, as overlayfs keeps them. */
  readonly copyOwner?: { readonly uid: number; readonly gid: number };
}

/** A layer as other rooms see it. */
export interface Layer {
  readonly folder: string;
  readonly device: string;
  readonly inode: string;
  readonly born?: string;
  readonly keepsBirth?: true;
  readonly name: string;
  readonly mode: MountMode;
  /** Folder of what was changed, as overlayfs keeps it. */
  readonly upper: string;
  readonly baseTimeNs: bigint;
  readonly layerFolder: string;
  /** True: it was made from a copy of the folder, and overlayfs never saw it. */
  readonly isCopy?: true;
  /** True while a cell uses it: nothing of it may be applied, discarded or undone. */
  readonly live: boolean;
}

export const layersOf = (sessionFolder: string) => path.join(sessionFolder, "layers");
export const recordOf = (layerFolder: string) => path.join(layerFolder, "layer.json");
export const upperOf = (layerFolder: string) => path.join(layerFolder, "upper");

/** Folders of a session's layers, by number. */
export function layerFolders(sessionFolder: string): readonly string[] {
  const layers = layersOf(sessionFolder);
  if (!existsSync(layers)) return [];
  const numbers = readdirSync(layers).filter((name) => /^[1-9]\d*$/.test(name));
  return numbers.sort((a, b) => Number(a) - Number(b)).map((name) => path.join(layers, name));
}

/**
 * Reads a layer's record, its device as it is numbered today; undefined when it has none, since its run was killed while it
 * made it. Throws WC_SESSION when it is damaged.
 */
export function readLayerRecord(layerFolder: string): LayerRecord | undefined {
  const file = recordOf(layerFolder);
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw damaged(file, cause);
  }
  if (typeof value !== "object" || value === null) throw damaged(file);
  const record = value as Partial<Record<keyof LayerRecord, unknown>>;
  const texts = [record.folder, record.device, record.inode, record.name, record.mode, record.baseTimeNs];
  const isWhole =
    record.schema === "workcell.layer/1" &&
    texts.every((text) => typeof text === "string") &&
    [record.device, record.inode, record.baseTimeNs].every((text) => /^\d+$/.test(String(text))) &&
    [record.permissions, record.uid, record.gid].every(Number.isSafeInteger) &&
    Array.isArray(record.cells) &&
    (record.born === undefined || /^\d+$/.test(String(record.born))) &&
    (record.keepsBirth === undefined || record.keepsBirth === true) &&
    (record.copyOwner === undefined || isOwner(record.copyOwner));
  if (!isWhole) throw damaged(file);
  const known = value as LayerRecord;
  const device = newDevice(known.folder, known);
  return device === undefined ? known : { ...known, device };
}

function isOwner(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { uid, gid } = value as Partial<Record<"uid" | "gid", unknown>>;
  return Number.isSafeInteger(uid) && Number.isSafeInteger(gid);
}

function damaged(file: string, cause?: unknown): WorkcellError {
  return new WorkcellError("WC_SESSION", {
    message: `Cannot read "${file}", which says what folder a layer is of: it is missing a part, or is no JSON`,
    remedy: `Look at what was changed in "${upperOf(path.dirname(file))}", take what you need, and remove the session's folder`,
    cause,
  });
}

/** True when nothing was changed: no entry. What a cell did to the folder's own permissions is never carried over. */
export function isEmptyLayer(layerFolder: string): boolean {
  const upper = upperOf(layerFolder);
  const found = lstatSync(upper, { throwIfNoEntry: false });
  if (found === undefined) return true;
  // Nobody has looked yet at what a cell did to the copy.
  if (existsSync(path.join(layerFolder, "copy.index"))) return false;
  // A layer of which nothing is known is not taken for an empty one.
  readLayerRecord(layerFolder);
  // What cannot be listed was changed, or it would be as the person's folder is.
  return isUnlistable(found.mode) ? false : readdirSync(upper).length === 0;
}

const isUnlistable = (mode: number) => process.getuid?.() !== 0 && (mode & 0o400) === 0;

/** True while a cell that a layer was opened for has a Workcell that lives. */
export function isLayerLive(sessionFolder: string, { cells }: LayerRecord): boolean {
  const [name, state] = [path.basename(sessionFolder), path.dirname(path.dirname(sessionFolder))];
  return cells.some((cell) => isCellLive(state, name, cell));
}

/** True while one of its cells other than this one has a Workcell that lives. */
export const isUsedByOthers = (sessionFolder: string, record: LayerRecord, cell: string): boolean =>
  isLayerLive(sessionFolder, { ...record, cells: record.cells.filter((one) => one !== cell) });

function describe(sessionFolder: string, layerFolder: string): Layer | undefined {
  const record = readLayerRecord(layerFolder);
  if (record === undefined) return undefined;
  const { folder, device, inode, born, keepsBirth, name, mode, baseTimeNs, copyOwner } = record;
  return {
    ...{ folder, device, inode, name, mode, layerFolder },
    ...(born !== undefined && { born }),
    ...(keepsBirth && { keepsBirth }),
    ...(copyOwner && { isCopy: true }),
    upper: upperOf(layerFolder),
    baseTimeNs: BigInt(baseTimeNs),
    live: isLayerLive(sessionFolder, record),
  };
}

/** All layers of a session. */
export function sessionLayers(sessionFolder: string): readonly Layer[] {
  return layerFolders(sessionFolder).flatMap((folder) => describe(sessionFolder, folder) ?? []);
}

/** The layers of a session in which something waits. */
export function pendingLayers(sessionFolder: string): readonly Layer[] {
  return sessionLayers(sessionFolder).filter(({ layerFolder }) => !isEmptyLayer(layerFolder));
}

/** True when a session has something that a person may still want: its records must stay, and its name. */
export function hasPending(sessionFolder: string): boolean {
  return layerFolders(sessionFolder).some((folder) => {
    try {
      return !isEmptyLayer(folder);
    } catch {
      // What cannot be read is not thrown away.
      return true;
    }
  });
}

/** Takes a session's layers away when nothing waits in them. */
export function removeEmptyLayers(sessionFolder: string): void {
  const layers = layersOf(sessionFolder);
  if (!existsSync(layers) || hasPending(sessionFolder)) return;
  for (const layer of layerFolders(sessionFolder)) {
    // overlayfs leaves a folder that its owner may not read, and may remove.
    const inner = path.join(layer, "work/work");
    try {
      rmdirSync(inner);
    } catch {
      // Not there, or not empty: what takes the rest away has means for it.
    }
  }
  takeAway(layers);
}
