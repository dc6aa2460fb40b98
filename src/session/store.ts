import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { cacheFolder } from "../lib/xdg-folders.ts";
import type { HostFacts, SessionFacts, Settings } from "../model/index.ts";
import { defaultLimits } from "../settings/index.ts";
import { checkUidMap, checkUidRange, claimUid, releaseUid, releaseUidsOf } from "./claim-uid.ts";
import { attachDisk, createDisk, detachDisk, diskSize, hasDisk, removeDisk, wantsDisk } from "./disk.ts";
import { makeFreshFolder } from "./fresh-folder.ts";
import { removeEmptyLayers } from "./layer-record.ts";
import { hasMarker, isSessionLive, putMarker } from "./marker.ts";
import { makeSessionName, sessionNamePattern } from "./names.ts";
import { removeFile } from "./remove-file.ts";
import { withSessionLock } from "./session-lock.ts";
import { readSession, type SessionRecord } from "./session-record.ts";
import { takeAway, takeAwayRest } from "./take-away.ts";

/** A session with a cell in it. */
export interface OpenSession {
  readonly facts: SessionFacts;
  /** Folder of this cell's records. */
  readonly cellFolder: string;
  /** True: it was made for this cell, and there is nothing in its home. */
  readonly isFresh: boolean;
  /** Takes away what the cell leaves: for a session that was made for one command, all but its records. */
  close(): void;
  /** The same for a cell that never ran; of a session made for it nothing stays at all. */
  abandon(): void;
}

interface StoreInput {
  readonly settings: Settings;
  readonly host: HostFacts;
}

function makeCellId(): string {
  return Math.random().toString(16).slice(2, 14).padEnd(12, "0");
}

function checkUids({ settings, host }: StoreInput): void {
  checkUidMap(settings.uidRange, host.uidMap);
  checkUidRange(settings.uidRange, host.subuids);
}

/** A session that exists only on paper: for `--explain`, which writes nothing. */
export function imagineSession({ settings, host }: StoreInput): SessionFacts {
  const name = settings.session?.value ?? makeSessionName(Math.random);
  const folder = path.join(host.own.records, "sessions", name);
  if (host.uid === 0) checkUids({ settings, host });
  return {
    name,
    folder,
    cell: makeCellId(),
    ...(host.uid === 0 ? { uid: settings.uidRange.value.first } : {}),
  };
}

function makeFolders(folder: string, uid: number | undefined): void {
  for (const [name, mode] of [
    ["home", 0o700],
    ["tmp", 0o1777],
  ] as const) {
    const made = path.join(folder, name);
    mkdirSync(made);
    // The person's umask would take bits away from mkdir's own mode.
    chmodSync(made, mode);
    if (uid !== undefined) chownSync(made, uid, uid);
  }
}

function beingMade(name: string): WorkcellError {
  return new WorkcellError("WC_SESSION", {
    message: `Cannot make session "${name}": another run is making it at this moment`,
    remedy: "Run it again, or name another session: --session NAME",
  });
}

/** A name that no session has. */
function freshName(sessions: string): string {
  let name = makeSessionName(Math.random);
  while (existsSync(path.join(sessions, name))) name = makeSessionName(Math.random);
  return name;
}

function createSession(
  { settings, host }: StoreInput,
  sessions: string,
  name: string,
): { record: SessionRecord; folder: string } {
  if (!makeFreshFolder(path.join(sessions, name))) throw beingMade(name);
  const folder = path.join(sessions, name);
  let uid: number | undefined;
  try {
    if (host.uid === 0) uid = claimUid(host.own.records, settings.uidRange, name);
    const created = new Date().toISOString();
    const record: SessionRecord = {
      ...{ schema: "workcell.session/1", name, created, durable: settings.session !== undefined },
      ...(uid === undefined ? {} : { uid }),
    };
    writeFileSync(path.join(folder, "session.json"), `${JSON.stringify(record)}\n`, { mode: 0o600 });
    makeFolders(folder, uid);
    if (uid !== undefined && wantsDisk(settings, host.uid)) {
      giveDisk({ settings, host }, folder, uid);
    }
    // Last of all: a session without it is half made.
    mkdirSync(path.join(folder, "cells"));
    return { record, folder };
  } catch (error) {
    if (hasDisk(folder)) removeDisk(folder);
    rmSync(folder, { recursive: true, force: true });
    if (uid !== undefined) releaseUid(host.own.records, uid, name);
    throw error;
  }
}

/** A disk keeps the size that it was made with. */
function checkDiskSize(folder: string, name: string, asked: Settings["diskBytes"]): void {
  const has = diskSize(folder);
  if (asked === undefined || asked.value === has) return;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot give session "${name}" a disk of ${asked.value} bytes (${asked.origin}): it has one of ${has}`,
    remedy: "Leave the size out, or name a new session: --session NAME",
  });
}

/** Where no disk can be made, as in most containers, the session's folders are watched instead, and the plan says so. */
function giveDisk({ settings, host }: StoreInput, folder: string, uid: number): void {
  const bytes = settings.diskBytes?.value ?? defaultLimits(settings.profile.value).diskBytes;
  try {
    createDisk({ folder, cacheFolder: cacheFolder(host.environment, host.home), bytes, uid });
  } catch (error) {
    if (!(error instanceof WorkcellError)) throw error;
  }
}

function checkName(settings: Settings): void {
  const asked = settings.session;
  if (asked === undefined || (sessionNamePattern.test(asked.value) && asked.value.length <= 64)) return;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot open session "${asked.value}" (${asked.origin}): a name is lower-case words joined by "-", at most 64 characters`,
    remedy: "Name it like brave-loving-maxwell",
  });
}

/** Opens the session that is named, or makes one, and a fresh cell's folder in it. */
export function openSession(input: StoreInput): OpenSession {
  const { settings, host } = input;
  checkName(settings);
  if (host.uid === 0) checkUids({ settings, host });
  const state = host.own.records;
  const sessions = path.join(state, "sessions");
  mkdirSync(sessions, { recursive: true, mode: 0o700 });
  const asked = settings.session?.value;
  if (asked === undefined) return openLocked(input, freshName(sessions), undefined);
  // Several runs may open one session at once: each finds it whole, and its disk mounted once or not at all.
  return withSessionLock(state, asked, () => {
    clearHalfMade(state, asked);
    return openLocked(input, asked, readSession(state, asked, host.uid === 0));
  });
}

/** Clears what a run left that was killed while it made this session. The caller holds the session's lock. */
export function clearHalfMade(state: string, name: string): void {
  const folder = path.join(state, "sessions", name);
  if (!existsSync(folder) || existsSync(path.join(folder, "cells"))) return;
  // Without a run's marker it is somebody's own doing, and not Workcell's to clear.
  if (!hasMarker(state, name) || isSessionLive(state, name)) return;
  forgetSession(state, name, undefined);
  releaseUidsOf(state, name);
  rmSync(folder, { recursive: true, force: true });
}

interface KnownSession {
  readonly record: SessionRecord;
  readonly folder: string;
}

function openLocked(input: StoreInput, name: string, existing: KnownSession | undefined): OpenSession {
  const { settings, host } = input;
  const state = host.own.records;
  const cell = makeCellId();
  const takeMarker = putMarker(state, { name, cell }, settings.session === undefined ? "once" : "durable");
  try {
    const { diskBytes } = settings;
    return openCell(
      { state, cell, takeMarker, isFresh: existing === undefined, diskBytes },
      existing ?? createSession(input, path.join(state, "sessions"), name),
    );
  } catch (error) {
    takeMarker();
    throw error;
  }
}

interface NewCell {
  readonly state: string;
  readonly cell: string;
  /** Takes the cell's marker away. */
  readonly takeMarker: () => void;
  readonly isFresh: boolean;
  /** The size that is asked for; absent: none. */
  readonly diskBytes: Settings["diskBytes"];
}

function openCell(newCell: NewCell, session: KnownSession): OpenSession {
  const { cell, isFresh, diskBytes } = newCell;
  const { record, folder } = session;
  const { name, uid } = record;
  const ownDisk = hasDisk(folder);
  if (ownDisk) checkDiskSize(folder, name, diskBytes);
  if (ownDisk && uid !== undefined) attachDisk(folder, uid);
  const cellFolder = path.join(folder, "cells", cell);
  mkdirSync(cellFolder, { mode: 0o755 });
  return {
    facts: { name, folder, cell, ...(uid === undefined ? {} : { uid }), ...(ownDisk ? { ownDisk } : {}) },
    cellFolder,
    isFresh,
    close: () => closeCell(newCell, session),
    abandon: () => abandonCell(newCell, session, cellFolder),
  };
}

function closeCell({ state, cell, takeMarker }: NewCell, { record, folder }: KnownSession): void {
  const { name, uid, durable } = record;
  removeFile(path.join(folder, "cells", cell, "exec"));
  if (!durable) forgetSession(state, name, uid);
  takeMarker();
  if (durable && hasDisk(folder)) withSessionLock(state, name, () => detachUnused(state, name));
}

function detachUnused(state: string, name: string): void {
  if (!isSessionLive(state, name)) detachDisk(path.join(state, "sessions", name));
}

function abandonCell(newCell: NewCell, session: KnownSession, cellFolder: string): void {
  const { state, isFresh } = newCell;
  const { record, folder } = session;
  if (!record.durable) {
    closeCell(newCell, session);
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  newCell.takeMarker();
  withSessionLock(state, record.name, () => {
    rmSync(cellFolder, { recursive: true, force: true });
    // Whoever opened it meanwhile has it for good, even if that run is over.
    const isOthers = !isFresh || readdirSync(path.join(folder, "cells")).length > 0;
    if (isOthers) {
      detachUnused(state, record.name);
    } else {
      forgetSession(state, record.name, record.uid);
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** What a run that was killed had only made room for; what was taken out of a folder stays. */
function removeEmptyQuarantine(quarantine: string): void {
  if (!existsSync(quarantine)) return;
  try {
    for (const name of readdirSync(quarantine)) rmdirSync(path.join(quarantine, name));
    rmdirSync(quarantine);
  } catch (error) {
    if (!["ENOTEMPTY", "ENOTDIR", "ENOENT"].includes(codeOf(error) ?? "")) throw error;
  }
}

/** Takes away a session's home and temporary files; its records stay, and what waits in its layers. */
export function forgetSession(state: string, name: string, uid: number | undefined): void {
  const folder = path.join(state, "sessions", name);
  if (hasDisk(folder)) removeDisk(folder);
  for (const part of ["home", "tmp"]) takeAway(path.join(folder, part));
  removeEmptyLayers(folder);
  removeEmptyQuarantine(path.join(folder, "quarantine"));
  takeAwayRest(folder);
  if (uid !== undefined) releaseUid(state, uid, name);
}
