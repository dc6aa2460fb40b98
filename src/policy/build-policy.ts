import { WorkcellError } from "../errors/index.ts";
import type {
  FolderRule,
  HostFacts,
  HostRule,
  MountRequest,
  NetworkPolicy,
  Policy,
  PresetFacts,
  Settings,
  Sourced,
} from "../model/index.ts";
import { parseDeniedPattern, parseHostPattern } from "./parse-host-pattern.ts";
import { parseRoute } from "./parse-route.ts";

/** The whole policy: hosts from settings and presets, folders from settings as they were found on disk. */
export function buildPolicy(settings: Settings, facts: HostFacts): Policy {
  const folders = settings.mounts.map((mount) => folderRule(mount, facts.folders));
  if (settings.profile.value === "cowork") refuseSameName(folders);
  return { network: buildNetworkPolicy(settings, facts.presets), folders };
}

/** The gate's part of the policy. Presets take their hosts from what the host's own tools are configured for. */
export function buildNetworkPolicy(settings: Settings, presets: readonly PresetFacts[]): NetworkPolicy {
  const denied = settings.denyHosts.map((host) => personsRule("deny", host));
  const allowed = settings.allowHosts.map((host) => personsRule("allow", host));
  const fromPresets = settings.presets.flatMap(({ value, origin }) => {
    const facts = presets.find((preset) => preset.preset === value && preset.found);
    return facts === undefined
      ? []
      : facts.hosts.flatMap((host) => presetRules(value, host, `${origin}, preset ${value}`));
  });
  const routes = settings.routes?.map(parseRoute);
  return { rules: [...denied, ...allowed, ...fromPresets], ...(routes && { routes }) };
}

function personsRule(effect: HostRule["effect"], host: Sourced<string>): HostRule {
  const parse = effect === "deny" ? parseDeniedPattern : parseHostPattern;
  return { effect, pattern: parse(host.value, host.origin), origin: host.origin, named: false };
}

/** Downloads only. Git fetches by posting to git-upload-pack, and pushes by posting to git-receive-pack. */
function presetRules(preset: PresetFacts["preset"], host: string, origin: string): HostRule[] {
  const rule = { effect: "allow", pattern: parseHostPattern(host, origin), origin, named: true } as const;
  const download: HostRule = { ...rule, methods: ["GET", "HEAD"] };
  if (preset !== "git") return [download];
  return [download, { ...rule, methods: ["POST"], paths: ["/git-upload-pack"] }];
}

function folderRule(mount: Sourced<MountRequest>, folders: HostFacts["folders"]): FolderRule {
  const { source, mode } = mount.value;
  const found = Object.hasOwn(folders, source) ? folders[source] : undefined;
  if (found === undefined) {
    throw new WorkcellError("WC_MOUNT", {
      message: `Cannot connect "${source}" (${mount.origin}): no such folder was found, and a folder is needed`,
      remedy: `Make the folder, or name another: workcell run -m DIR:${mode}`,
      details: { value: source, origin: mount.origin },
    });
  }
  const base = found.realPath.slice(found.realPath.lastIndexOf("/") + 1);
  return {
    source: found.realPath,
    name: mount.value.name ?? (base === "" ? "root" : base),
    mode,
    origin: mount.origin,
  };
}

/** Only there are folders placed by their names. */
function refuseSameName(folders: readonly FolderRule[]): void {
  const seen = new Map<string, FolderRule>();
  for (const folder of folders) {
    const other = seen.get(folder.name);
    if (other !== undefined) {
      throw new WorkcellError("WC_MOUNT", {
        message: `Cannot connect "${folder.source}" (${folder.origin}): the name "${folder.name}" is taken by "${other.source}" (${other.origin}), and each needs its own`,
        remedy: `Give one of them another name: -m ${folder.source}:OTHER-NAME:${folder.mode}`,
        details: { value: folder.name, origin: folder.origin },
      });
    }
    seen.set(folder.name, folder);
  }
}
