import { accessSync, constants, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import type { Tool } from "../model/index.ts";

/** Absolute folders of a PATH, in order; a relative one would let the current folder supply programs. */
export function pathFolders(searchPath: string | undefined): string[] {
  return [...new Set((searchPath ?? "").split(":").filter((folder) => path.isAbsolute(folder)))];
}

const isInside = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}/`);

function executable(file: string): string | undefined {
  try {
    // Most folders have it not, and Node makes an error of a start's length for each that would throw.
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    accessSync(file, constants.X_OK);
    return realpathSync.native(file);
  } catch {
    // Not there, or not for us: the next folder may have it.
    return undefined;
  }
}

/** Finds a program on PATH, never inside a folder that an agent could have written to. */
export function findTool(
  name: string,
  folders: readonly string[],
  untrusted: readonly string[],
): Tool | undefined {
  for (const folder of folders) {
    const file = path.join(folder, name);
    const realPath = executable(file);
    if (realPath === undefined) continue;
    if (untrusted.some((outer) => isInside(realPath, outer) || isInside(file, outer))) continue;
    return { path: file, realPath };
  }
  return undefined;
}

/** The same, for a program without which no cell starts. */
export function requireTool(name: string, folders: readonly string[], untrusted: readonly string[]): Tool {
  const tool = findTool(name, folders, untrusted);
  if (tool !== undefined) return tool;
  const hidden = findTool(name, folders, []);
  if (hidden !== undefined) {
    throw new WorkcellError("WC_MISSING_TOOL", {
      message: `Cannot start a cell: the program "${name}" lies in "${path.dirname(hidden.path)}", which this cell is to be connected to, and no program that it could have changed may start it`,
      remedy: "Connect the folder that the work is in, not the system's own: -m ~/project",
    });
  }
  const apt = { bwrap: "bubblewrap", socat: "socat", bash: "bash" }[name] ?? name;
  throw new WorkcellError("WC_MISSING_TOOL", {
    message: `Cannot start a cell: the program "${name}" was not found on PATH, and it is needed`,
    remedy: `Install it: apt-get install ${apt}`,
  });
}
