import { mkdirSync } from "node:fs";
import { shortLine } from "../lib/short-line.ts";
import type { AuditEvent, Denial } from "../model/index.ts";
import { forgetGuard, lastTouch, listGuards, readGuard } from "./guard-record.ts";
import { denialOf, dropKept, openFolders } from "./guarded-folders.ts";
import { isCellLive } from "./marker.ts";

/** A run says that it lives once a second; what changed so long after that, in ns, was not its cell, which dies with it. */
const SLACK_NS = 5_000_000_000n;

interface RecoverInput {
  /** Workcell's state folder. */
  readonly state: string;
  readonly installation: string;
  say(line: string): void;
  record(event: AuditEvent): void;
}

/** Takes out what cells have left in protected places whose Workcell was killed. Each is said and recorded. */
export async function recoverGuards({ state, installation, say, record }: RecoverInput): Promise<void> {
  for (const { file, name, cell } of listGuards(state)) {
    if (isCellLive(state, name, cell)) continue;
    try {
      for (const { layer, rule, origin, what, remedy } of await recoverGuard(file, installation)) {
        say(`Left by the killed session "${name}": refused ${what} (${layer}: ${rule}). ${remedy}`);
        const subject = shortLine(what);
        record({ session: name, cell, kind: "call", decision: "deny", layer, rule, origin, subject });
      }
      forgetGuard(file);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // Its record stays: the next run tries again.
      say(`Cannot look after the protected paths that the killed session "${name}" could write to: ${why}`);
    }
  }
}

async function recoverGuard(file: string, installation: string): Promise<readonly Denial[]> {
  const record = readGuard(file);
  const until = lastTouch(file) + SLACK_NS;
  for (const folder of [record.quarantine, record.kept]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const open = await openFolders(record, installation);
  const denials: Denial[] = [];
  try {
    for (const live of open.folders) {
      const { taken } = await live.look({ isLast: true, until });
      denials.push(...taken.map((one) => denialOf(one, live.folder, record.quarantine)));
    }
  } finally {
    await open.close();
  }
  dropKept(record);
  return denials;
}
