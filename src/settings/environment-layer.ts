import type { Layer } from "./layer.ts";
import { parseProfile, parseTier, parseTunnel } from "./parse-choice.ts";
import { parseDuration } from "./parse-duration.ts";
import { parseUidRange } from "./parse-uid-range.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that Workcell reads settings from. */
export const SETTINGS_VARIABLES = {
  WORKCELL_SETTINGS: "a settings file, as with --settings",
  WORKCELL_PROFILE: "the profile",
  WORKCELL_TUNNEL: "the tunnel",
  WORKCELL_TIER: "the tier",
  WORKCELL_TIMEOUT: "the time-out",
  WORKCELL_UID_RANGE: "the uid range, FIRST-LAST",
} as const;

type Variable = keyof typeof SETTINGS_VARIABLES;

/** A variable that is set to nothing counts as not set. */
export function readVariable(env: Environment, name: Variable): string | undefined {
  return env[name] === "" ? undefined : env[name];
}

/** What Workcell's own environment says. */
export function environmentLayer(env: Environment): Layer {
  const from = <T>(name: Variable, parse: (text: string, origin: string) => T): T | undefined => {
    const text = readVariable(env, name);
    return text === undefined ? undefined : parse(text, `environment ${name}`);
  };
  const profile = from("WORKCELL_PROFILE", parseProfile);
  const tunnel = from("WORKCELL_TUNNEL", parseTunnel);
  const tier = from("WORKCELL_TIER", parseTier);
  const timeoutMs = from("WORKCELL_TIMEOUT", parseDuration);
  const uidRange = from("WORKCELL_UID_RANGE", parseUidRange);
  return {
    ...(profile && { profile }),
    ...(tunnel && { tunnel }),
    ...(tier && { tier }),
    ...(timeoutMs && { timeoutMs }),
    ...(uidRange && { uidRange }),
  };
}
