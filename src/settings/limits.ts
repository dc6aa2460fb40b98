/** The longest a settings file may be, in bytes. */
export const SETTINGS_FILE_LIMIT_BYTES = 1024 * 1024;
