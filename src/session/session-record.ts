import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import { ownerOfUid } from "./claim-uid.ts";

/** What session.json holds. */
export interface SessionRecord {
  readonly schema: "workcell.session/1";
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** False: its home goes when its command ends. */
  readonly durable: boolean;
  readonly uid?: number;
}

const anotherName = "Name another session: --session NAME";

function refuse(name: string, why: string, remedy: string, cause?: unknown): WorkcellError {
  return new WorkcellError("WC_SESSION", { message: `Cannot open session "${name}": ${why}`, remedy, cause });
}

function parseRecord(name: string, file: string): SessionRecord {
  const damaged = (cause?: unknown) =>
    refuse(name, `its record ${file} cannot be read or is damaged`, anotherName, cause);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof value !== "object" || value === null) throw damaged();
  const record = value as Partial<Record<keyof SessionRecord, unknown>>;
  const isUid = record.uid === undefined || (Number.isSafeInteger(record.uid) && Number(record.uid) > 0);
  const isOurs = record.schema === "workcell.session/1" && record.name === name;
  if (!isOurs || !isUid || typeof record.durable !== "boolean") throw damaged();
  return value as SessionRecord;
}

/** A record that names another session's user would let this one read what is the other's. */
function checkUser(record: SessionRecord, state: string, isRoot: boolean): void {
  const { name, uid } = record;
  if (isRoot && uid === undefined)
    throw refuse(
      name,
      "it was made by an ordinary user, and root's sessions need one of their own",
      anotherName,
    );
  if (!isRoot && uid !== undefined)
    throw refuse(
      name,
      "it was made by root, and has a user of its own",
      "Open it as root, or name another session: --session NAME",
    );
  if (uid === undefined || ownerOfUid(state, uid) === name) return;
  const file = path.join(state, "uids", `${uid}`);
  throw refuse(name, `${file} must say that uid ${uid} is its own, and does not`, anotherName);
}

/** The record of a session that can be opened again; undefined when there is none of that name. */
export function readSession(
  state: string,
  name: string,
  isRoot: boolean,
): { record: SessionRecord; folder: string } | undefined {
  const folder = path.join(state, "sessions", name);
  if (!existsSync(folder)) return undefined;
  if (!existsSync(path.join(folder, "home")))
    throw refuse(name, "it has ended, and only its records are left", anotherName);
  const record = parseRecord(name, path.join(folder, "session.json"));
  if (!record.durable)
    throw refuse(
      name,
      "it belongs to one running command and goes with it",
      "Name a session of your own: --session NAME",
    );
  checkUser(record, state, isRoot);
  return { record, folder };
}
