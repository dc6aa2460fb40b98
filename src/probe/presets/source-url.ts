/** Ports that go without saying. */
const schemePorts: Readonly<Record<string, string>> = {
  http: "80",
  mirror: "80",
  https: "443",
  ssh: "22",
  git: "9418",
  ftp: "21",
};

/**
 * The host that a configured source is fetched from, as `host` or, when the port is not the scheme's, `host:port`;
 * undefined for what comes from no host (`file:`, `cdrom:`, a path) or cannot be read.
 */
export function hostOfSource(source: string): string | undefined {
  const text = source.trim();
  const [, prefixed = ""] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  // `mirror+https`, `tor+http`, `git+ssh`: the last part says what is spoken.
  const scheme = prefixed.toLowerCase().split("+").at(-1) ?? "";
  const usual = schemePorts[scheme];
  if (usual === undefined) return undefined;
  try {
    // Read as http whatever the scheme is, so that names come out lower case and in ASCII for all alike.
    const url = new URL(`http:${text.slice(prefixed.length + 1)}`);
    const port = explicitPort(text) ?? usual;
    return port === usual ? url.hostname : `${url.hostname}:${port}`;
  } catch {
    return undefined; // not a URL: nothing is allowed for it
  }
}

/** `user@host:path`, the form of git and ssh that has no scheme. */
const scpForm = /^(?:[^@/:\s]+@)?(\[[0-9a-f:.]+\]|[^@/:\s[\]]+):(?!\/\/)/i;

/** The same for git, which also knows `user@host:path`. */
export function hostOfGitSource(source: string): string | undefined {
  if (source.includes("://")) return hostOfSource(source);
  return scpForm.exec(source.trim())?.[1]?.toLowerCase();
}

/** The port as written: `URL` hides 80, which is not every scheme's own. */
function explicitPort(text: string): string | undefined {
  const port = /^[^:]+:\/\/(?:[^/?#\\]*@)?(?:\[[^\]]*\]|[^/?#:\\]*):(\d+)/.exec(text)?.[1];
  return port === undefined ? undefined : String(Number(port));
}

/** The hosts of several sources, each once, in their order. */
export function hostsOfSources(
  sources: readonly string[],
  hostOf: (source: string) => string | undefined = hostOfSource,
): readonly string[] {
  const hosts = sources.map(hostOf).filter((host) => host !== undefined);
  return [...new Set(hosts)];
}

/**
 * The URL without user, password, query and fragment. What stands in the environment of a cell is readable by all
 * that runs there, and a registry's token works from anywhere: none may enter.
 */
export function withoutCredentials(source: string): string {
  return source
    .trim()
    .replace(/[?#].*$/s, "")
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/\\]*@/i, "$1");
}

/** The same for git, where `ssh://git@host` says which account is meant: of ssh, the user's name stays. */
export function withoutPassword(source: string): string {
  const text = source.trim();
  if (!text.includes("://")) return text.includes("@") ? text.replace(/^([^@:/]*):[^@/]*@/, "$1@") : text;
  if (!/^(?:git\+)?ssh:/i.test(text)) return withoutCredentials(text);
  return text.replace(/[?#].*$/s, "").replace(/^([^:]+:\/\/[^:@/]*):[^/]*@/, "$1@");
}

/** True for what is fetched over the network, and so means the same inside the cell. */
export function isRemote(source: string): boolean {
  return hostOfSource(source) !== undefined;
}
