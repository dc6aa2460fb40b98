import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import { type FolderIdentity, folderIdentity, isSameFolder } from "../lib/folder-identity.ts";
import type { FolderRule, HostFacts, Policy, SessionLayer, Settings } from "../model/index.ts";
import { isLayered } from "../plan/index.ts";
import { defaultLimits } from "../settings/index.ts";
import {
  isEmptyLayer,
  isLayerLive,
  isUsedByOthers,
  type LayerRecord,
  layerFolders,
  layersOf,
  readLayerRecord,
  recordOf,
  upperOf,
} from "./layer-record.ts";
import { holdSessionLock } from "./session-lock.ts";
import type { OpenSession } from "./store.ts";

interface LayersInput {
  readonly session: OpenSession;
  readonly settings: Settings;
  readonly policy: Policy;
  readonly facts: HostFacts;
  /** Why folders cannot be merged with layers here, so that the cell works on copies; absent: they may be. */
  readonly copyBecause?: string;
  /** What the person is told of it. */
  readonly say?: (line: string) => void;
  /** Cancels the start. */
  readonly cancel?: AbortSignal | undefined;
}

function makeFolder(folder: string, mode: number): void {
  mkdirSync(folder, { recursive: true });
  // The person's umask would take bits away.
  chmodSync(folder, mode);
}

function makeLock(folder: string): void {
  writeFileSync(path.join(folder, "lock"), "", { flag: "a", mode: 0o600 });
}

/** The upper folder stands for the person's own in the cell: it looks like it. Returns its ctime, the layer's base. */
function freshenUpper(layerFolder: string, folder: string): { baseTimeNs: string; permissions: number } {
  const upper = upperOf(layerFolder);
  const { uid, gid, mode, atime, mtime } = statSync(folder);
  if (process.getuid?.() === 0) chownSync(upper, uid, gid);
  utimesSync(upper, atime, mtime);
  const permissions = mode & 0o7777;
  chmodSync(upper, permissions);
  return { baseTimeNs: `${statSync(upper, { bigint: true }).ctimeNs}`, permissions };
}

function writeRecord(layerFolder: string, record: LayerRecord): void {
  const file = recordOf(layerFolder);
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function replaced({ source, origin }: FolderRule, session: string): WorkcellError {
  return new WorkcellError("WC_MOUNT", {
    message: `Cannot connect the folder "${source}" (${origin}): session "${session}" holds changes of the folder that stood there before, and this is another one`,
    remedy: `Look at them and apply or discard them first: workcell diff ${session}`,
  });
}

/** The folder was looked up a moment ago; what the layer is of is what stands there now, and must be the same. */
function identityOf(rule: FolderRule, facts: HostFacts): FolderIdentity {
  const found = Object.values(facts.folders).find(({ realPath }) => realPath === rule.source);
  const now = folderIdentity(rule.source);
  if (found !== undefined && Number(now.device) === found.device && Number(now.inode) === found.inode)
    return now;
  throw new WorkcellError("WC_MOUNT", {
    message: `Cannot connect the folder "${rule.source}" (${rule.origin}): another one took its place meanwhile`,
    remedy: "Start again when nothing moves it, and look at what does",
  });
}

function findLayer(session: OpenSession, source: string): string | undefined {
  return layerFolders(session.facts.folder).find((folder) => readLayerRecord(folder)?.folder === source);
}

function makeLayer({ facts: { folder } }: OpenSession): string {
  const numbers = layerFolders(folder).map((one) => Number(path.basename(one)));
  const made = path.join(layersOf(folder), `${Math.max(0, ...numbers) + 1}`);
  makeFolder(made, 0o700);
  for (const part of ["upper", "work"]) makeFolder(path.join(made, part), 0o700);
  makeLock(made);
  return made;
}

/** A layer, and how it was when this cell came to it. */
interface OpenedLayer {
  readonly layerFolder: string;
  readonly record: LayerRecord;
  readonly isLive: boolean;
  readonly layer: SessionLayer;
}

/** Whom a copy belongs to, where cells are to work on one: as the layer began, for the marks in it are of one kind. */
function copyOwnerOf(
  rule: FolderRule,
  { session, facts, copyBecause }: LayersInput,
  began: LayerRecord | undefined,
): LayerRecord["copyOwner"] {
  if (began !== undefined) {
    if (copyBecause === undefined || began.copyOwner !== undefined) return began.copyOwner;
    throw new WorkcellError("WC_MOUNT", {
      message: `Cannot connect the folder "${rule.source}" (${rule.origin}): session "${session.facts.name}" holds changes of it that were kept by a merge, and here it cannot be merged (${copyBecause})`,
      remedy: `Apply or discard them first: workcell diff ${session.facts.name}`,
    });
  }
  if (copyBecause === undefined) return undefined;
  const { uid } = session.facts;
  return uid === undefined ? { uid: facts.uid, gid: facts.gid } : { uid, gid: uid };
}

/** Opens the layer of one folder: the one that the session has, begun anew when nothing is in it, or another. */
function openLayer(rule: FolderRule, input: LayersInput): OpenedLayer {
  const { session, facts } = input;
  const { name, folder, cell } = session.facts;
  const identity = identityOf(rule, facts);
  const known = findLayer(session, rule.source);
  const layerFolder = known ?? makeLayer(session);
  const before = known === undefined ? undefined : readLayerRecord(known);
  const isLive = before !== undefined && isLayerLive(folder, before);
  const mayRenew = !isLive && isEmptyLayer(layerFolder);
  const isSame = before !== undefined && isSameFolder(before, identity);
  if (before !== undefined && !isSame && !mayRenew) throw replaced(rule, name);
  const { uid, gid } = statSync(rule.source);
  const begun =
    before === undefined || mayRenew
      ? freshenUpper(layerFolder, rule.source)
      : { baseTimeNs: before.baseTimeNs, permissions: before.permissions };
  const copyOwner = copyOwnerOf(rule, input, mayRenew ? undefined : before);
  const record: LayerRecord = {
    schema: "workcell.layer/1",
    folder: rule.source,
    ...identity,
    ...{ uid, gid, name: rule.name, mode: rule.mode },
    ...begun,
    cells: [...(isLive ? before.cells : []), cell],
    ...(copyOwner && { copyOwner }),
  };
  writeRecord(layerFolder, record);
  const { device, inode } = identity;
  const layer = { source: rule.source, number: Number(path.basename(layerFolder)), device, inode };
  return { layerFolder, record, isLive, layer };
}

/** What cells did to a copy, and nobody has looked at since, as their Workcell was killed: before anything is decided on. */
async function settleKnown(rule: FolderRule, { session, facts }: LayersInput): Promise<void> {
  const known = findLayer(session, rule.source);
  const record = known === undefined ? undefined : readLayerRecord(known);
  if (known === undefined || record?.copyOwner === undefined) return;
  if (isLayerLive(session.facts.folder, record)) return;
  const { cellfilesBeside, settleLayer } = await import("./copies.ts");
  await settleLayer(known, record, cellfilesBeside(facts.cellhost));
}

/** The copy that the session's other cells work on, or a fresh one. */
async function openCopyOf(
  rule: FolderRule,
  input: LayersInput,
  { layerFolder, record, isLive, layer }: OpenedLayer,
): Promise<SessionLayer> {
  if (record.copyOwner === undefined) return layer;
  const { cellfilesBeside, copyOf, isUnsettled, openCopy } = await import("./copies.ts");
  const { settings, facts, copyBecause = "its session began so", say, cancel } = input;
  // Before the copying, which may take its time.
  say?.(`"${rule.source}" cannot be merged with a layer here (${copyBecause}): the session works on a copy`);
  if (isLive && isUnsettled(layerFolder)) return { ...layer, copy: copyOf(layerFolder) };
  const isWaived = settings.waive?.some(({ value }) => value === "disk") === true;
  const diskBytes = settings.diskBytes?.value ?? defaultLimits(settings.profile.value).diskBytes;
  const limitBytes = isWaived ? Number.POSITIVE_INFINITY : diskBytes;
  const cellfiles = cellfilesBeside(facts.cellhost);
  const copy = await openCopy({ rule, layerFolder, record, cellfiles, limitBytes, cancel });
  return { ...layer, copy };
}

async function openOne(rule: FolderRule, input: LayersInput): Promise<SessionLayer> {
  await settleKnown(rule, input);
  return openCopyOf(rule, input, openLayer(rule, input));
}

/** Opens the session's layers for the folders that this cell reviews. Throws WC_MOUNT for a folder that another one replaced. */
export async function openLayers(input: LayersInput): Promise<readonly SessionLayer[]> {
  const { session, settings, policy, facts } = input;
  const { name, folder } = session.facts;
  const release = settings.session === undefined ? () => {} : holdSessionLock(facts.own.records, name);
  try {
    const layers = layersOf(folder);
    makeFolder(layers, 0o700);
    makeFolder(path.join(layers, "scratch"), 0o700);
    makeLock(layers);
    const opened: SessionLayer[] = [];
    for (const rule of policy.folders.filter(isLayered)) opened.push(await openOne(rule, input));
    return opened;
  } finally {
    release();
  }
}

/**
 * What a cell that has ended did to copies becomes their layers, unless another cell works on them: the last one does it,
 * or the next command that looks. What waits must be found again after a power cut: the layers' records go to the disk.
 */
export async function closeLayers(
  { name, folder, cell }: Pick<OpenSession["facts"], "name" | "folder" | "cell">,
  facts: HostFacts,
  say: (line: string) => void,
): Promise<void> {
  const copies = layerFolders(folder).flatMap((layerFolder) => {
    const record = readLayerRecord(layerFolder);
    return record?.copyOwner === undefined ? [] : [{ layerFolder, record }];
  });
  if (copies.length > 0) {
    const { cellfilesBeside, settleLayer } = await import("./copies.ts");
    const release = holdSessionLock(facts.own.records, name);
    try {
      for (const { layerFolder, record } of copies)
        if (!isUsedByOthers(folder, record, cell))
          await settleLayer(layerFolder, record, cellfilesBeside(facts.cellhost));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      say(
        `What was changed in a copy could not be taken over (${why}); it is kept: workcell diff ${name} tries again`,
      );
    } finally {
      release();
    }
  }
  syncPending({ folder });
}

function syncPending({ folder }: Pick<OpenSession["facts"], "folder">): void {
  for (const layer of layerFolders(folder).filter((one) => !isEmptyLayer(one))) syncRecord(layer);
}

function syncRecord(layerFolder: string): void {
  const fd = openSync(recordOf(layerFolder), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
