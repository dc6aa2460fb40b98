import { realpathSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { readBoundedFile } from "../lib/read-bounded-file.ts";
import type { Environment } from "./environment-layer.ts";
import { quoted } from "./invalid-value.ts";
import type { Layer } from "./layer.ts";
import { SETTINGS_FILE_LIMIT_BYTES } from "./limits.ts";

export const FOLDER_FILE_NAME = ".workcell.json";

/** A folder's own settings file, read once: what is shown, hashed and used are these bytes. */
export interface FolderFile {
  /** The folder's real path. */
  readonly folder: string;
  readonly file: string;
  readonly bytes: Buffer;
}

export type FolderFileFound =
  | { readonly status: "absent" }
  | { readonly status: "refused"; readonly problem: string }
  | ({ readonly status: "found" } & FolderFile);

/** Looks for the folder's own settings file. A link is refused: its content would be somebody else's to change. */
export function findFolderFile(folder: string): FolderFileFound {
  const file = path.join(folder, FOLDER_FILE_NAME);
  try {
    const bytes = readBoundedFile(file, { limitBytes: SETTINGS_FILE_LIMIT_BYTES, plainFile: true });
    if (bytes === undefined)
      return { status: "refused", problem: "it is larger than 1 MiB, or no plain file" };
    const real = realpathSync(folder);
    return { status: "found", folder: real, file: path.join(real, FOLDER_FILE_NAME), bytes };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return { status: "absent" };
    if (code === "ELOOP") return { status: "refused", problem: "it is a symbolic link" };
    if (code === "ENXIO") return { status: "refused", problem: "it is no plain file" };
    throw new WorkcellError("WC_SETTINGS", {
      message: `Cannot read the settings file ${quoted(file)} (the folder's own): ${code ?? String(error)}`,
      remedy: `Make ${quoted(file)} readable, or take it away`,
      cause: error,
    });
  }
}

interface Lookup {
  readonly env: Environment;
  readonly cwd: string;
  readonly home: string;
}

const notUsed = `${FOLDER_FILE_NAME} of this folder is not used`;
const seeIt = "run workcell trust to see it and agree";

/** What the folder's own settings file adds to a run: nothing, until the person has agreed to exactly its content. */
export async function lookUpFolderFile({ env, cwd, home }: Lookup): Promise<{
  readonly layer: Layer;
  readonly notices: readonly string[];
}> {
  const found = findFolderFile(cwd);
  if (found.status === "absent") return { layer: {}, notices: [] };
  if (found.status === "refused") return { layer: {}, notices: [`${notUsed}: ${found.problem}`] };
  const { readTrust } = await import("./trust.ts");
  const trust = await readTrust({ env, home }, found);
  if (trust === "never") return { layer: {}, notices: [`${notUsed}: ${seeIt}`] };
  if (trust === "changed") {
    return { layer: {}, notices: [`${notUsed}: it has changed since you agreed to it; ${seeIt}`] };
  }
  const { folderLayer } = await import("./folder-layer.ts");
  return { layer: folderLayer(found), notices: [] };
}
