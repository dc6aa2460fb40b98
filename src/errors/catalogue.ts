/** Every code Workcell can fail with, and the exit code of the command line for it. docs/errors.md lists the same. */
export const errorExitCodes = {
  /** Unknown command or flag, missing or misplaced argument. */
  WC_USAGE: 125,
  /** A value of a flag, a settings file or the environment is not valid. */
  WC_SETTINGS: 125,
  /** A settings file in the folder has not been agreed to, or has changed since. */
  WC_TRUST: 125,
  /** A host pattern cannot match anything, or matches everything. */
  WC_HOST_PATTERN: 125,
  /** A folder cannot be connected. */
  WC_MOUNT: 125,
  /** A program that Workcell needs is not installed. */
  WC_MISSING_TOOL: 125,
  /** The machine cannot hold a layer that was promised. */
  WC_HOST: 125,
  /** A cell could not be started or sealed. */
  WC_LAUNCH: 125,
  /** A session does not exist, or cannot be made. */
  WC_SESSION: 125,
  /** The audit log cannot be written, or its chain is broken. */
  WC_AUDIT: 125,
  /** The credential of a route cannot be had, or would go into the cell. */
  WC_CREDENTIAL: 125,
  /** A file of a connected folder, or of a session's records of it, cannot be read or changed. */
  WC_FILES: 125,
} as const;

export type ErrorCode = keyof typeof errorExitCodes;
