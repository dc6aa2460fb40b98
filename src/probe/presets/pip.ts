import { noAnswer, type Preset, type PresetAnswer } from "./answer.ts";
import { type PipDefaults, parsePipConfig, parsePipDefaults, pipDefaultsScript } from "./pip-config.ts";
import { hostsOfSources, isRemote, withoutCredentials } from "./source-url.ts";

type Config = Readonly<Record<string, string>>;

function words(config: Config, key: string): readonly string[] {
  return (config[key] ?? "").split(/\s+/).filter((word) => word !== "");
}

/** Folders of the host (`file:`, paths) are not in the cell, and pip stops at an index it cannot open. */
function remoteWords(config: Config, key: string): readonly string[] {
  return words(config, key).filter(isRemote);
}

function environmentOf(config: Config): Record<string, string> {
  const environment: Record<string, string> = {};
  const index = config["index-url"];
  if (index !== undefined && isRemote(index)) environment["PIP_INDEX_URL"] = withoutCredentials(index);
  const lists = { PIP_EXTRA_INDEX_URL: "extra-index-url", PIP_FIND_LINKS: "find-links" };
  for (const [variable, key] of Object.entries(lists)) {
    const urls = remoteWords(config, key).map(withoutCredentials);
    if (urls.length > 0) environment[variable] = urls.join(" ");
  }
  const trusted = words(config, "trusted-host");
  if (trusted.length > 0) environment["PIP_TRUSTED_HOST"] = trusted.join(" ");
  if (config["cert"] !== undefined) environment["PIP_CERT"] = config["cert"];
  if (/^(1|true|yes|on)$/i.test(config["no-index"] ?? "")) environment["PIP_NO_INDEX"] = "1";
  return environment;
}

/** Variables and hosts from pip's configuration; the client certificate with its key stays on the host. */
export function pipAnswer(config: Config, defaults: PipDefaults | undefined): PresetAnswer {
  const environment = environmentOf(config);
  const index = config["index-url"] ?? defaults?.indexUrl;
  const ownIndex = environment["PIP_NO_INDEX"] === undefined && index !== undefined ? [index] : [];
  const indexes = environment["PIP_NO_INDEX"] === undefined ? remoteWords(config, "extra-index-url") : [];
  const hosts = hostsOfSources([...ownIndex, ...indexes, ...remoteWords(config, "find-links")]);
  // The default index keeps its files on a second host; a mirror's are where its pages say, mostly on itself.
  const usesDefault = ownIndex.length > 0 && hosts[0] === hostsOfSources([defaults?.indexUrl ?? ""])[0];
  const fileHosts = usesDefault && defaults !== undefined ? [defaults.fileHost] : [];
  return {
    hosts: [...new Set([...hosts, ...fileHosts])],
    environment,
    ...(config["proxy"] === undefined ? {} : { proxy: withoutCredentials(config["proxy"]) }),
    files: defaults?.files ?? [],
  };
}

/** pip: its index, extra indexes and links. */
export const pip: Preset = {
  programs: [["pip3", "pip"], ["python3"]],
  async ask({ ask }) {
    const [config, defaults] = await Promise.all([
      ask("pip3", ["config", "list"]),
      ask("python3", ["-I", "-c", pipDefaultsScript]),
    ]);
    if (!config.ok && !defaults.ok) return noAnswer(config.problem);
    const known = defaults.ok ? parsePipDefaults(defaults.stdout) : undefined;
    const answer = pipAnswer(config.ok ? parsePipConfig(config.stdout) : {}, known);
    const problem = [config, defaults].find((asked) => !asked.ok)?.problem;
    return problem === undefined ? answer : { ...answer, problem };
  },
};
