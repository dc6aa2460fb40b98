import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import type { BytePath, Entry } from "../../model/index.ts";

/** How one path stood when the copy was made. */
export interface CopiedPath {
  /** The person's folder had it. */
  readonly onHost: boolean;
  /** It came from what the session had changed before. */
  readonly fromLayer: boolean;
  /** What was made of it; absent: it is not in the copy. */
  readonly key?: string;
}

export type CopyIndex = ReadonlyMap<BytePath, CopiedPath>;

const indexOf = (layerFolder: string): string => path.join(layerFolder, "copy.index");
/** Where the copy that belongs to a layer stands. */
export const copyOf = (layerFolder: string): string => path.join(layerFolder, "copy");

/** True while a copy is whole and what a cell did to it has not been taken over into the layer. */
export const isUnsettled = (layerFolder: string): boolean => existsSync(indexOf(layerFolder));

/** From here on what stands in the place of the copy is nobody's any more. */
export function forgetIndex(layerFolder: string): void {
  rmSync(indexOf(layerFolder), { force: true });
}

/**
 * What tells whether something was touched: whoever writes to a file, gives it another name or other rights moves its
 * ctime. That of a folder moves with what is in it, so a folder is told by its rights.
 */
export function keyOf({ type, mode, uid, gid, inode, ctimeNs, mtimeNs, size, xattrs }: Entry): string {
  const rights = [type, mode, uid, gid];
  if (type !== "directory") return [...rights, inode, ctimeNs, mtimeNs, size].join(" ");
  const attributes = Object.entries(xattrs ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return [...rights, JSON.stringify(attributes)].join(" ");
}

const schema = "workcell.copy/1";

/** Says that the copy is whole: written last, in one step. */
export async function writeIndex(layerFolder: string, index: CopyIndex): Promise<void> {
  const lines = [...index].map(([place, { onHost, fromLayer, key }]) =>
    JSON.stringify([place, (onHost ? 1 : 0) + (fromLayer ? 2 : 0), ...(key === undefined ? [] : [key])]),
  );
  const text = [JSON.stringify(schema), ...lines, ""].join("\n");
  await writeFileAtomic(indexOf(layerFolder), text, { mode: 0o600 });
}

function damaged(layerFolder: string, cause: unknown): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message: `Cannot read "${indexOf(layerFolder)}": it is damaged, and a whole one is needed to tell what the session changed`,
    remedy: `Take what you need from "${copyOf(layerFolder)}", and move "${layerFolder}" away`,
    cause,
  });
}

function parseLine(line: string): [BytePath, CopiedPath] {
  const parts: unknown = JSON.parse(line);
  if (!Array.isArray(parts)) throw new Error("a line that is no list");
  const [place, flags, key]: unknown[] = parts;
  const isWhole =
    typeof place === "string" &&
    typeof flags === "number" &&
    flags >= 0 &&
    flags <= 3 &&
    (key === undefined || typeof key === "string");
  if (!isWhole) throw new Error("a line without its parts");
  const found = { onHost: (flags & 1) !== 0, fromLayer: (flags & 2) !== 0 };
  return [place, key === undefined ? found : { ...found, key }];
}

/** Throws WC_FILES when it cannot be understood. */
export function readIndex(layerFolder: string): CopyIndex {
  try {
    const [first = "", ...lines] = readFileSync(indexOf(layerFolder), "utf8").split("\n");
    if (JSON.parse(first) !== schema || lines.pop() !== "")
      throw new Error("it is cut off, or of another kind");
    return new Map(lines.map(parseLine));
  } catch (error) {
    throw damaged(layerFolder, error);
  }
}
