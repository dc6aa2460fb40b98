import { PRESET_NAMES, type ProfileName, type Sourced } from "../model/index.ts";
import type { Layer, UidRange } from "./layer.ts";

/** What a profile says of settings. It allows no host by itself, and connects no folder. */
export function profileLayer(profile: ProfileName) {
  const origin = `profile ${profile}`;
  const presets = profile === "cowork" ? PRESET_NAMES : [];
  return {
    // The reference carries its ports over socat; elsewhere the gate accepts inside the cell itself, which is faster.
    tunnel: { value: profile === "cowork" ? ("socat" as const) : ("direct" as const), origin },
    tier: { value: "process" as const, origin },
    presets: presets.map((value) => ({ value, origin })),
  } satisfies Layer;
}

export const defaultProfile: Sourced<ProfileName> = { value: "standard", origin: "default" };

/** Above every range that distributions and container tools hand out, and below 2^31. */
export const defaultUidRange: Sourced<UidRange> = {
  value: { first: 1_900_000_000, last: 1_900_065_535 },
  origin: "default",
};
