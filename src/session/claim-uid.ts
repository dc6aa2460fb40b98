import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { HostFacts, Settings } from "../model/index.ts";
import { removeFile } from "./remove-file.ts";

/** A range of host uids that overlaps somebody's subordinate ids would let a session read their containers' files. */
export function checkUidRange(range: Settings["uidRange"], subuids: HostFacts["subuids"]): void {
  const { first, last } = range.value;
  const taken = subuids.find((other) => first < other.first + other.count && other.first <= last);
  if (taken === undefined) return;
  throw new WorkcellError("WC_SETTINGS", {
    message:
      `Cannot use the uid range "${first}-${last}" (${range.origin}): ` +
      `/etc/subuid gives ${taken.first}-${taken.first + taken.count - 1} to ${taken.owner}`,
    remedy: "Name a range that nobody has: --uid-range FIRST-LAST",
  });
}

/** Root of a rootless container can become those uids only that its container was given. */
export function checkUidMap(range: Settings["uidRange"], uidMap: HostFacts["uidMap"]): void {
  const { first, last } = range.value;
  const holds = (own: { first: number; count: number }) => own.first <= first && last < own.first + own.count;
  if (uidMap === undefined || uidMap.some(holds)) return;
  const has = uidMap.map((own) => `${own.first}-${own.first + own.count - 1}`).join(", ");
  throw new WorkcellError("WC_SETTINGS", {
    message:
      `Cannot use the uid range "${first}-${last}" (${range.origin}): ` +
      `this user namespace, as of a rootless container, has the uids ${has}`,
    remedy:
      "Name a range of those that nobody else has: --uid-range FIRST-LAST; or run Workcell outside of the container",
  });
}

/** Claims a host uid that no other session has, and returns it. */
export function claimUid(state: string, range: Settings["uidRange"], name: string): number {
  const folder = path.join(state, "uids");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // A claim is whole from the first moment, so that one of a run that was killed can be found by its name.
  const draft = path.join(folder, `.${name}`);
  try {
    writeFileSync(draft, `${name}\n`, { mode: 0o600 });
    return linkFirstFree(draft, folder, range, name);
  } finally {
    removeFile(draft);
  }
}

function linkFirstFree(draft: string, folder: string, range: Settings["uidRange"], name: string): number {
  const { first, last } = range.value;
  const size = last - first + 1;
  const start = Math.floor(Math.random() * size);
  for (let step = 0; step < size; step++) {
    const uid = first + ((start + step) % size);
    try {
      linkSync(draft, path.join(folder, `${uid}`));
      return uid;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot give session "${name}" a user: every uid of ${first}-${last} (${range.origin}) is taken`,
    remedy: "Name a larger range: --uid-range FIRST-LAST",
  });
}

/** The session that a uid belongs to; undefined when it belongs to none. */
export function ownerOfUid(state: string, uid: number): string | undefined {
  try {
    return readFileSync(path.join(state, "uids", `${uid}`), "utf8").trim();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Gives a session's uid back; one that has been given to another session meanwhile stays that one's. */
export function releaseUid(state: string, uid: number, name: string): void {
  if (ownerOfUid(state, uid) === name) removeFile(path.join(state, "uids", `${uid}`));
}

/** Gives back every uid that a session has; what cannot be read is not known to be its. */
export function releaseUidsOf(state: string, name: string): void {
  const folder = path.join(state, "uids");
  if (!existsSync(folder)) return;
  removeFile(path.join(folder, `.${name}`));
  for (const entry of readdirSync(folder)) {
    const file = path.join(folder, entry);
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) releaseUid(state, Number(entry), name);
  }
}
