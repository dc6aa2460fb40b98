import { readFileSync } from "node:fs";
import { noAnswer, type Preset } from "./answer.ts";
import { mirrorFileOf, parseAptProxy, parseMirrorList, parseRepositories } from "./apt-config.ts";
import { hostsOfSources, withoutCredentials } from "./source-url.ts";

/** A source as it is, or the mirrors its local list names. */
function mirrorsOf(repository: string): readonly string[] {
  const file = mirrorFileOf(repository);
  if (file === undefined) return [repository];
  try {
    return parseMirrorList(readFileSync(file, "utf8"));
  } catch {
    return []; // apt cannot read the list either, and fetches nothing from it
  }
}

/**
 * apt: the hosts of its sources. It needs no variable: the cell sees the host's /etc/apt, where passwords stand in
 * files that only root reads.
 */
export const apt: Preset = {
  programs: [["apt-get"], ["apt-config"]],
  async ask({ ask }) {
    // Without its option, apt names only what it has downloaded: on a fresh machine, nothing.
    const [targets, dump] = await Promise.all([
      ask("apt-get", ["indextargets", "--no-release-info", "--format", "$(REPO_URI)"]),
      ask("apt-config", ["dump"]),
    ]);
    if (!targets.ok) return noAnswer(targets.problem);
    const repositories = parseRepositories(targets.stdout);
    const proxy = dump.ok ? parseAptProxy(dump.stdout) : undefined;
    return {
      hosts: hostsOfSources(repositories.flatMap(mirrorsOf)),
      environment: {},
      ...(proxy === undefined ? {} : { proxy: withoutCredentials(proxy) }),
      files: repositories.map(mirrorFileOf).filter((file) => file !== undefined),
      ...(dump.ok ? {} : { problem: dump.problem }),
    };
  },
};
