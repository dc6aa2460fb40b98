import path from "node:path";
import { noAnswer, type Preset, type PresetAnswer } from "./answer.ts";
import { type NpmConfig, parseNpmConfig } from "./npm-config.ts";
import { hostsOfSources, withoutCredentials } from "./source-url.ts";

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function registries(values: NpmConfig["values"]): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const [key, value] of Object.entries(values)) {
    const url = text(value);
    if (url !== undefined && (key === "registry" || /^@[^:/]+:registry$/.test(key))) found.push([key, url]);
  }
  return found;
}

function authorities(value: unknown): string | undefined {
  const list = Array.isArray(value) ? value : [value];
  const certificates = list.filter((item) => text(item) !== undefined);
  return certificates.length === 0 ? undefined : certificates.join("\n\n");
}

/**
 * What npm posts to its registry about an install. A preset lets npm download only: over https the gate does not
 * see the method, over plain http it does, and each install would end with a refusal.
 */
const silent = { npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };

/**
 * Variables and hosts from npm's configuration. Only the keys named here pass: auth keys (`_authToken`, `_password`,
 * client key and certificate) stay on the host.
 */
export function npmAnswer({ values, files }: NpmConfig): PresetAnswer {
  const sources = registries(values);
  const environment: Record<string, string> = {};
  // npm reads `npm_config_@scope:registry` too, and no other variable can say it.
  for (const [key, url] of sources) environment[`npm_config_${key}`] = withoutCredentials(url);
  if (sources.some(([, url]) => /^http:/i.test(url.trim()))) Object.assign(environment, silent);
  const caFile = text(values["cafile"]);
  const ca = authorities(values["ca"]);
  if (caFile !== undefined) environment["npm_config_cafile"] = caFile;
  if (ca !== undefined) environment["npm_config_ca"] = ca;
  if (values["strict-ssl"] === false) environment["npm_config_strict_ssl"] = "false";
  const replaced = text(values["replace-registry-host"]);
  if (replaced !== undefined) environment["npm_config_replace_registry_host"] = replaced;
  const proxy = text(values["https-proxy"]) ?? text(values["proxy"]);
  return {
    hosts: hostsOfSources(sources.map(([, url]) => url)),
    environment,
    ...(proxy === undefined ? {} : { proxy: withoutCredentials(proxy) }),
    files,
  };
}

/** No log file and no cache in the person's home, no look for a newer npm, no colours. */
const quiet = ["--logs-max=0", "--cache=/dev/null", "--no-update-notifier", "--no-color"];

/** npm: its registries, the scoped ones too, and how it checks certificates. */
export const npm: Preset = {
  programs: [["npm"]],
  async ask({ ask, realPath }) {
    const answer = await ask("npm", ["config", "ls", "-l", ...quiet]);
    if (!answer.ok) return noAnswer(answer.problem);
    const config = parseNpmConfig(answer.stdout);
    // The packager's own settings, beside npm's code; npm names the other files itself.
    return npmAnswer({ ...config, files: [...config.files, path.join(path.dirname(realPath), "../npmrc")] });
  },
};
