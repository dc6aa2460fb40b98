import { homedir } from "node:os";
import { posix } from "node:path";
import type { BytePath } from "../model/index.ts";
import { joinPath } from "./byte-path.ts";

/** The rest of an absolute path below the connected folder, in bytes as it is. */
export function below(absolute: BytePath, folderPath: string | undefined): BytePath | undefined {
  if (folderPath === undefined) return undefined;
  const folder = `${bytesIn(folderPath)}/`;
  return absolute.startsWith(folder) ? absolute.slice(folder.length) : undefined;
}

const bytesIn = (text: string): BytePath => Buffer.from(text).toString("latin1");

/**
 * A path as the host's git says it in `from`, below the connected folder; undefined: it lies elsewhere. No link is looked
 * at: "a/../b" is "b".
 */
export function pathBelow(
  said: BytePath,
  from: BytePath,
  folderPath: string | undefined,
): BytePath | undefined {
  const whole = said.startsWith("~/") ? `${bytesIn(homedir())}${said.slice(1)}` : said;
  if (whole.startsWith("~")) return undefined;
  // Without its absolute path no words could lead out of the folder and back.
  const folder = folderPath === undefined ? "/." : bytesIn(folderPath);
  const absolute = whole.startsWith("/") ? whole : `${folder}/${joinPath(from, whole)}`;
  const at = posix.normalize(absolute).replace(/\/$/, "");
  if (folderPath !== undefined) return at === folder ? "" : below(at, folderPath);
  return whole.startsWith("/") || climbs(joinPath(from, whole)) ? undefined : at.slice(1);
}

function climbs(path: BytePath): boolean {
  return posix.normalize(path).startsWith("..");
}
