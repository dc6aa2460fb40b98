import { chmodSync, closeSync, constants, fchownSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import type { Plan } from "../model/index.ts";
import { makeFreshFolder } from "./fresh-folder.ts";
import type { OpenSession } from "./store.ts";

/** Writes the small files that a plan mounts, and makes the folders its home begins with. */
export function prepareCell(plan: Plan, session: OpenSession): void {
  const made = new Set<string>();
  for (const { path: name, content } of plan.files) {
    const file = path.join(session.cellFolder, name);
    const folder = path.dirname(file);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    writeFileSync(file, content);
    // Root's cells read them as another user, whatever root's umask is.
    if (plan.root !== undefined) chmodSync(file, 0o644);
  }
  if (plan.root !== undefined) for (const folder of [session.cellFolder, ...made]) chmodSync(folder, 0o755);
  for (const folder of plan.homeFolders)
    makeHomeFolder(path.join(session.facts.folder, "home"), folder, plan.root?.uid);
}

const folderItself = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** What a cell may have done to a folder of its own home; its programs then do without. */
const cellsOwnAffair = ["ELOOP", "ENOTDIR", "EACCES", "ENOENT", "EROFS", "ENOSPC", "EDQUOT"];

/**
 * Makes a folder of the session's home with the folders above it.
 * SECURITY(P1): a cell has been in that home, and another may be in it now. Each folder is opened itself, never
 * through a link, and what is made or given away is named by the open folder it lies in.
 */
function makeHomeFolder(home: string, folder: string, uid: number | undefined): void {
  let fd = openSync(home, folderItself);
  try {
    for (const part of folder.split("/")) {
      const place = `/proc/self/fd/${fd}/${part}`;
      const isFresh = makeFreshFolder(place);
      const inner = openSync(place, folderItself);
      closeSync(fd);
      fd = inner;
      if (isFresh && uid !== undefined) fchownSync(fd, uid, uid);
    }
  } catch (error) {
    if (!cellsOwnAffair.includes(codeOf(error) ?? "")) throw error;
  } finally {
    closeSync(fd);
  }
}

/** Values that the person gave may be secrets: the record names them without the value. */
const isPersons = (origin: string) => /^(flag|settings|environment)/.test(origin);

/** Keeps the plan among the session's records. */
export function recordPlan(plan: Plan, session: OpenSession): void {
  const record = {
    ...plan,
    argv: undefined,
    environment: plan.environment.map((v) => (isPersons(v.origin) ? { ...v, value: "(not recorded)" } : v)),
    descriptors: plan.descriptors.map(({ fd, name }) => ({ fd, name })),
    filters: plan.filters.map(({ name }) => name),
  };
  writeFileSync(path.join(session.cellFolder, "plan.json"), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}
