/** npm's configuration by key, and the files it came from. */
export interface NpmConfig {
  readonly values: Readonly<Record<string, unknown>>;
  readonly files: readonly string[];
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // `(protected)` and its like: npm keeps it to itself, and so do we
  }
}

/**
 * Reads `npm config ls -l`. The text form is asked, because the JSON form leaves out every URL that has a password.
 * A value of a project's own file is passed over; overridden values are npm's comments.
 */
export function parseNpmConfig(listing: string): NpmConfig {
  const values: Record<string, unknown> = {};
  const files = new Set<string>();
  let section = "";
  for (const line of listing.split("\n")) {
    const heading = /^; "?([a-z]+)"? config from (.+)$/.exec(line);
    if (heading !== null) {
      section = heading[1] ?? "";
      if (heading[2]?.startsWith("/")) files.add(heading[2]);
      continue;
    }
    const [, key, text] = /^([^;\s][^=]*?) = (.*)$/.exec(line) ?? [];
    if (key === undefined || text === undefined || section === "project") continue;
    values[key] = parseValue(text);
  }
  for (const key of ["userconfig", "globalconfig"]) {
    const file = values[key];
    if (typeof file === "string" && file.startsWith("/")) files.add(file);
  }
  return { values, files: [...files] };
}
