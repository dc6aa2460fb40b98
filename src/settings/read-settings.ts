import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { readBoundedFile } from "../lib/read-bounded-file.ts";
import { configFolder } from "../lib/xdg-folders.ts";
import type { Settings } from "../model/index.ts";
import { type Environment, environmentLayer, readVariable } from "./environment-layer.ts";
import { flagLayer } from "./flag-layer.ts";
import { lookUpFolderFile } from "./folder-file.ts";
import { quoted } from "./invalid-value.ts";
import type { Layer, SettingsFlags } from "./layer.ts";
import { SETTINGS_FILE_LIMIT_BYTES } from "./limits.ts";
import { mergeLayers } from "./merge.ts";

export interface SettingsInput {
  readonly flags: SettingsFlags;
  /** Workcell's own environment. */
  readonly env: Environment;
  readonly cwd: string;
  readonly home: string;
}

export interface SettingsFound {
  readonly settings: Settings;
  /** What the person should know though nothing failed; one line each. */
  readonly notices: readonly string[];
}

function cannotRead(file: string, origin: string, problem: string): WorkcellError {
  return new WorkcellError("WC_SETTINGS", {
    message: `Cannot read the settings file ${quoted(file)} (${origin}): ${problem}`,
    remedy:
      origin === "the default place"
        ? `Make ${quoted(file)} readable, or take it away`
        : `Name a file that exists and can be read, or leave out ${origin}`,
    details: { file, origin },
  });
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read by this user",
  EISDIR: "it is a folder; it must be a file",
};

function readNamed(file: string, origin: string): Buffer | undefined {
  try {
    const bytes = readBoundedFile(file, { limitBytes: SETTINGS_FILE_LIMIT_BYTES });
    if (bytes !== undefined) return bytes;
  } catch (error) {
    const code = codeOf(error) ?? String(error);
    if (code === "ENOENT" && origin === "the default place") return undefined;
    throw cannotRead(file, origin, problems[code] ?? code);
  }
  throw cannotRead(file, origin, "it is larger than 1 MiB");
}

async function layerOf(bytes: Buffer | undefined, file: string, place: SettingsInput): Promise<Layer> {
  if (bytes === undefined) return {};
  // The schema library costs as much as a third of a start: it is loaded when there is a file to check.
  const { fileLayer } = await import("./file-layer.ts");
  return fileLayer(bytes, file, place);
}

async function personLayer(input: SettingsInput): Promise<Layer> {
  const file = path.join(configFolder(input.env, input.home), "settings.json");
  return layerOf(readNamed(file, "the default place"), file, input);
}

async function namedLayer(input: SettingsInput): Promise<Layer> {
  const { flags, env, cwd } = input;
  const variable = readVariable(env, "WORKCELL_SETTINGS");
  const named = flags.settings ?? variable;
  if (named === undefined) return {};
  const origin = flags.settings === undefined ? "environment WORKCELL_SETTINGS" : "flag --settings";
  if (named === "") throw cannotRead(named, origin, "it is no name of a file");
  const file = path.resolve(cwd, named);
  return layerOf(readNamed(file, origin), file, input);
}

/**
 * Puts together what all sources say, weakest first: the profile, the person's settings file, the folder's own
 * (once agreed to), the file that is named, the environment, the flags. Reads files, changes nothing.
 */
export async function readSettings(input: SettingsInput): Promise<SettingsFound> {
  const [environment, flags] = [environmentLayer(input.env), flagLayer(input.flags)];
  const person = await personLayer(input);
  const folder = await lookUpFolderFile(input);
  const named = await namedLayer(input);
  const layers = [person, folder.layer, named, environment, flags];
  return { settings: mergeLayers(layers, input.cwd), notices: folder.notices };
}
