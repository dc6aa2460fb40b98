import { noAnswer, type Preset, type PresetAnswer } from "./answer.ts";
import { type GitValue, parseGitConfig, type Rewrite, rewritesOf } from "./git-config.ts";
import { hostOfGitSource, hostsOfSources, withoutCredentials, withoutPassword } from "./source-url.ts";

/** Rewriting rules as variables: the person's own configuration file is not in the cell. */
function rewriteVariables(rewrites: readonly Rewrite[]): Record<string, string> {
  const environment: Record<string, string> = {};
  rewrites.forEach(({ base, kind, prefix }, index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = `url.${withoutPassword(base)}.${kind}`;
    environment[`GIT_CONFIG_VALUE_${index}`] = withoutPassword(prefix);
  });
  if (rewrites.length > 0) environment["GIT_CONFIG_COUNT"] = String(rewrites.length);
  return environment;
}

/** Variables and hosts from git's configuration. Credential helpers, extra headers and client keys stay on the host. */
export function gitAnswer(values: readonly GitValue[], home: string): PresetAnswer {
  const rewrites = rewritesOf(values);
  const last = (key: string) => values.findLast((entry) => entry.key === key)?.value;
  const environment = rewriteVariables(rewrites);
  const caFile = last("http.sslcainfo");
  if (caFile !== undefined) environment["GIT_SSL_CAINFO"] = caFile.replace(/^~(?=\/)/, home);
  if (/^(false|no|off|0)$/i.test(last("http.sslverify") ?? "")) environment["GIT_SSL_NO_VERIFY"] = "1";
  const proxy = last("http.proxy");
  return {
    hosts: hostsOfSources(
      rewrites.map(({ base }) => base),
      hostOfGitSource,
    ),
    environment,
    ...(proxy === undefined || proxy === "" ? {} : { proxy: withoutCredentials(proxy) }),
    files: [...new Set(values.map(({ file }) => file).filter((file) => file !== undefined))],
  };
}

/** git: the hosts that the person's and the machine's configuration rewrite to. No repository's remotes. */
export const git: Preset = {
  programs: [["git"]],
  async ask({ ask, home }) {
    const list = ["--includes", "--show-origin", "--list", "-z"];
    // A level that has no file at all ends with 1 or 128; the version tells that apart from a git that is broken.
    const [version, system, global] = await Promise.all([
      ask("git", ["--version"]),
      ask("git", ["config", "--system", ...list]),
      ask("git", ["config", "--global", ...list]),
    ]);
    if (!version.ok) return noAnswer(version.problem);
    const read = [system, global].filter((level) => level.ok).map((level) => parseGitConfig(level.stdout));
    return gitAnswer(read.flat(), home);
  },
};
