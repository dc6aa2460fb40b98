import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Plan } from "../model/index.ts";
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

/** Only folders of Workcell's own making are walked: a home that a cell has been in may hold symlinks. */
function makeHomeFolder(home: string, folder: string, uid: number | undefined): void {
  if (mkdirSync(path.join(home, folder), { recursive: true }) === undefined || uid === undefined) return;
  let current = home;
  for (const part of folder.split("/")) {
    current = path.join(current, part);
    chownSync(current, uid, uid);
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
