import type { Origin } from "../model/index.ts";
import type { Layer, SettingsFlags } from "./layer.ts";
import { parsePresets, parseProfile, parseTier, parseTunnel } from "./parse-choice.ts";
import { parseDuration } from "./parse-duration.ts";
import { readLimits } from "./parse-limits.ts";
import { parseMount } from "./parse-mount.ts";
import { parseSessionName, parseWorkdir } from "./parse-text.ts";
import { parseUidRange } from "./parse-uid-range.ts";
import { parseVariable } from "./parse-variable.ts";

const flag = (name: string): Origin => `flag --${name}`;

/** What the command line says. */
export function flagLayer(flags: SettingsFlags): Layer {
  const { profile, tunnel, tier, workdir, timeout, session, uidRange } = flags;
  return {
    ...(profile !== undefined && { profile: parseProfile(profile, flag("profile")) }),
    ...(tunnel !== undefined && { tunnel: parseTunnel(tunnel, flag("tunnel")) }),
    ...(tier !== undefined && { tier: parseTier(tier, flag("tier")) }),
    ...(workdir !== undefined && { workdir: parseWorkdir(workdir, flag("workdir")) }),
    ...(timeout !== undefined && { timeoutMs: parseDuration(timeout, flag("timeout")) }),
    ...(session !== undefined && { session: parseSessionName(session, flag("session")) }),
    ...(uidRange !== undefined && { uidRange: parseUidRange(uidRange, flag("uid-range")) }),
    ...readLimits(flags, flag),
    ...(flags.allowPaths !== undefined && {
      allowPaths: flags.allowPaths.map((value) => ({ value, origin: flag("allow-path") })),
    }),
    allowHosts: flags.allowHosts.map((value) => ({ value, origin: flag("allow-host") })),
    denyHosts: flags.denyHosts.map((value) => ({ value, origin: flag("deny-host") })),
    presets: flags.presets.flatMap((text) => parsePresets(text, flag("preset"))),
    mounts: flags.mounts.map((text) => parseMount(text, flag("mount"))),
    environment: flags.environment.map((text) => parseVariable(text, flag("env"))),
  };
}
