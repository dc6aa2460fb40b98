/** Reads `apt-get indextargets --format '$(REPO_URI)'`: one repository a line, many times each. */
export function parseRepositories(listing: string): readonly string[] {
  const lines = listing.split("\n").map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ""))];
}

/** The local list behind `mirror+file:/path`, which names the mirrors line by line; undefined for other sources. */
export function mirrorFileOf(repository: string): string | undefined {
  const file = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(repository)?.[1];
  // apt appends a slash to what it calls a repository.
  return file?.replace(/\/+$/, "");
}

/** Reads a mirror list: a URL first on each line, comments after `#`. */
export function parseMirrorList(content: string): readonly string[] {
  return content
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim().split(/\s+/)[0] ?? "")
    .filter((url) => url !== "");
}

/** The proxy in `apt-config dump`: the one for http, else for https, else for a single host. */
export function parseAptProxy(dump: string): string | undefined {
  const found: string[] = [];
  for (const line of dump.split("\n")) {
    const [, method, host, value] = /^Acquire::(https?)::Proxy(?:::([^ ]+))? "(.*)";$/i.exec(line) ?? [];
    if (value === undefined || value === "" || value.toUpperCase() === "DIRECT") continue;
    const rank = host === undefined ? (method?.toLowerCase() === "http" ? 0 : 1) : 2;
    found[rank] ??= value;
  }
  return found.find((value) => value !== undefined);
}
