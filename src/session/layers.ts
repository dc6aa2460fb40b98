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
import type { FolderRule, HostFacts, Policy, SessionLayer, Settings } from "../model/index.ts";
import { isLayered } from "../plan/index.ts";
import {
  exactIdentity,
  isEmptyLayer,
  isLayerLive,
  type LayerRecord,
  layerFolders,
  layersOf,
  readLayerRecord,
  recordOf,
  upperOf,
} from "./layer-record.ts";
import { withSessionLock } from "./session-lock.ts";
import type { OpenSession } from "./store.ts";

interface LayersInput {
  readonly session: OpenSession;
  readonly settings: Settings;
  readonly policy: Policy;
  readonly facts: HostFacts;
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
function identityOf(rule: FolderRule, facts: HostFacts): { device: string; inode: string } {
  const found = Object.values(facts.folders).find(({ realPath }) => realPath === rule.source);
  const now = exactIdentity(rule.source);
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

/** Opens the layer of one folder: the one that the session has, begun anew when nothing is in it, or another. */
function openLayer(rule: FolderRule, { session, facts }: LayersInput): SessionLayer {
  const { name, folder, cell } = session.facts;
  const identity = identityOf(rule, facts);
  const known = findLayer(session, rule.source);
  const layerFolder = known ?? makeLayer(session);
  const before = known === undefined ? undefined : readLayerRecord(known);
  const isLive = before !== undefined && isLayerLive(folder, before);
  const mayRenew = !isLive && isEmptyLayer(layerFolder);
  const isSame = before?.device === identity.device && before.inode === identity.inode;
  if (before !== undefined && !isSame && !mayRenew) throw replaced(rule, name);
  const { uid, gid } = statSync(rule.source);
  const begun =
    before === undefined || mayRenew
      ? freshenUpper(layerFolder, rule.source)
      : { baseTimeNs: before.baseTimeNs, permissions: before.permissions };
  writeRecord(layerFolder, {
    schema: "workcell.layer/1",
    folder: rule.source,
    ...identity,
    ...{ uid, gid, name: rule.name, mode: rule.mode },
    ...begun,
    cells: [...(isLive ? before.cells : []), cell],
  });
  return { source: rule.source, number: Number(path.basename(layerFolder)), ...identity };
}

/** Opens the session's layers for the folders that this cell reviews. Throws WC_MOUNT for a folder that another one replaced. */
export function openLayers(input: LayersInput): readonly SessionLayer[] {
  const { session, settings, policy, facts } = input;
  const { name, folder } = session.facts;
  const open = () => {
    const layers = layersOf(folder);
    makeFolder(layers, 0o700);
    makeFolder(path.join(layers, "scratch"), 0o700);
    makeLock(layers);
    return policy.folders.filter(isLayered).map((rule) => openLayer(rule, input));
  };
  return settings.session === undefined ? open() : withSessionLock(facts.own.records, name, open);
}

/** What waits must be found again after a power cut: brings the records of a session's layers to the disk. */
export function syncPending({ folder }: Pick<OpenSession["facts"], "folder">): void {
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
