import {
  type Origin,
  PRESET_NAMES,
  type PresetName,
  type ProfileName,
  type Sourced,
  type TierName,
  type TunnelName,
} from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";

export const PROFILE_NAMES: readonly ProfileName[] = ["cowork", "standard"];
export const TUNNEL_NAMES: readonly TunnelName[] = ["socat", "direct"];
export const TIER_NAMES: readonly TierName[] = ["process", "vm"];

interface Choice<T extends string> {
  readonly what: string;
  readonly of: readonly T[];
}

function parseChoice<T extends string>(choice: Choice<T>, text: string, origin: Origin): Sourced<T> {
  const value = choice.of.find((name) => name === text);
  if (value !== undefined) return { value, origin };
  throw invalidValue({
    what: choice.what,
    value: text,
    origin,
    problem: `no such ${choice.what}; it must be one of ${choice.of.join(", ")}`,
    remedy: `Name one of ${choice.of.join(", ")}`,
  });
}

export function parseProfile(text: string, origin: Origin): Sourced<ProfileName> {
  return parseChoice({ what: "profile", of: PROFILE_NAMES }, text, origin);
}

export function parseTunnel(text: string, origin: Origin): Sourced<TunnelName> {
  return parseChoice({ what: "tunnel", of: TUNNEL_NAMES }, text, origin);
}

export function parseTier(text: string, origin: Origin): Sourced<TierName> {
  return parseChoice({ what: "tier", of: TIER_NAMES }, text, origin);
}

/** `npm,pip` as it stands in a flag. */
export function parsePresets(text: string, origin: Origin): readonly Sourced<PresetName>[] {
  return text
    .split(",")
    .map((name) => parseChoice({ what: "preset", of: PRESET_NAMES }, name.trim(), origin));
}
