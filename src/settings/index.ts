/**
 * settings: files, flags and environment become one set of values, each with its origin.
 * in: the flags, Workcell's environment, the working directory and the home. out: Settings, and notices for the person.
 * may import: model, errors, lib.
 */

export { defaultLimits, defaultLimitsOrigin } from "./default-limits.ts";
export { describeFolderFile } from "./describe-layer.ts";
export { type Environment, SETTINGS_VARIABLES } from "./environment-layer.ts";
export { FOLDER_FILE_NAME, type FolderFile, type FolderFileFound, findFolderFile } from "./folder-file.ts";
export { invalidValue } from "./invalid-value.ts";
export type { SettingsFlags } from "./layer.ts";
export { parseDuration } from "./parse-duration.ts";
export { mountName, parseMount } from "./parse-mount.ts";
export { readSettings, type SettingsFound, type SettingsInput } from "./read-settings.ts";
export {
  type Agreeable,
  type Agreement,
  agreeTo,
  listAgreements,
  readTrust,
  revokeAgreement,
  type TrustPlace,
} from "./trust.ts";
