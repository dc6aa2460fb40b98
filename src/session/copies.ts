import { statfsSync } from "node:fs";
import path from "node:path";
import { copyOf, isUnsettled, makeCopy, settleCopy } from "../changes/index.ts";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { FolderRule } from "../model/index.ts";
import type { LayerRecord } from "./layer-record.ts";
import { bytesIn } from "./session-bytes.ts";

export { copyOf, isUnsettled };

/** Who owns what in a copy; undefined for a layer that is merged with its folder. */
function ownersOf({ uid, gid, copyOwner }: LayerRecord) {
  if (copyOwner === undefined) return undefined;
  const groups =
    process.getuid?.() === 0 ? undefined : [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  return { folder: { uid, gid }, copy: copyOwner, ...(groups && { groups }) };
}

/** Takes what cells did to a copy over into its layer, once none of them runs. Nothing to be done: nothing done. */
export async function settleLayer(
  layerFolder: string,
  record: LayerRecord,
  cellfiles: string,
): Promise<void> {
  const owners = ownersOf(record);
  if (owners !== undefined && isUnsettled(layerFolder)) await settleCopy({ cellfiles, layerFolder, owners });
}

export interface CopyRequest {
  readonly rule: FolderRule;
  readonly layerFolder: string;
  readonly record: LayerRecord;
  readonly cellfiles: string;
  /** The session's disk. */
  readonly limitBytes: number;
  readonly cancel?: AbortSignal | undefined;
}

const mebibytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MiB`;

function cannotCopy(
  { source, origin }: FolderRule,
  why: string,
  remedy: string,
  cause?: unknown,
): WorkcellError {
  return new WorkcellError("WC_MOUNT", {
    message: `Cannot connect the folder "${printable(source)}" (${origin}): it cannot be merged with a layer of the session here, and no copy can be made: ${why}`,
    remedy,
    cause,
  });
}

const otherwise = (source: string) =>
  `Connect a smaller folder, or this one live or read-only: -m ${source}:rw, -m ${source}:ro`;

/** A copy that would fill the disk is not begun. */
function mustFit({ rule, layerFolder, limitBytes }: CopyRequest): void {
  const bytes = bytesIn(rule.source);
  if (bytes > limitBytes) {
    const why = `it takes ${mebibytes(bytes)}, and the session's disk has ${mebibytes(limitBytes)}`;
    throw cannotCopy(rule, why, "Give it more (--disk SIZE), or connect a smaller folder");
  }
  const { bavail, bsize } = statfsSync(layerFolder);
  if (bytes <= bavail * bsize) return;
  const why = `it takes ${mebibytes(bytes)}, and the disk of Workcell's state folder has ${mebibytes(bavail * bsize)} left`;
  throw cannotCopy(rule, why, `Free some, or let XDG_STATE_HOME lie on a larger disk`);
}

/** Makes the copy that a cell works on, with what the session had changed before; returns its path. */
export async function openCopy(request: CopyRequest): Promise<string> {
  const { rule, layerFolder, record, cellfiles, cancel } = request;
  const owners = ownersOf(record);
  if (owners === undefined) throw new TypeError("a layer without a copy");
  mustFit(request);
  try {
    const { device, inode } = record;
    const of = { folder: rule.source, identity: { device, inode } };
    await makeCopy({ cellfiles, ...of, layerFolder, owners, ...(cancel && { cancel }) });
  } catch (error) {
    if (cancel?.aborted === true) throw cannotCopy(rule, "it was cancelled", otherwise(rule.source));
    const why = error instanceof Error ? error.message : String(error);
    const isFull = ["ENOSPC", "EDQUOT"].includes(
      codeOf(error instanceof Error ? error.cause : undefined) ?? "",
    );
    throw cannotCopy(
      rule,
      why,
      isFull ? "Free space on the disk of XDG_STATE_HOME" : otherwise(rule.source),
      error,
    );
  }
  return copyOf(layerFolder);
}

/** The native program that works on files, which lies beside the one that supervises cells. */
export const cellfilesBeside = (cellhost: string): string => path.join(path.dirname(cellhost), "cellfiles");
