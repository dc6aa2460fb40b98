import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import type { MountRequest, Settings, Sourced } from "../model/index.ts";
import { invalidValue, quoted } from "./invalid-value.ts";
import type { Layer } from "./layer.ts";
import { mountName, problemOfName } from "./parse-mount.ts";
import { defaultProfile, defaultUidRange, profileLayer } from "./profiles.ts";

/** Of entries that say the same key, the last stays: it is the strongest. */
function lastOfEach<T>(entries: readonly T[], keyOf: (entry: T) => string): readonly T[] {
  return [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
}

function clash(two: readonly [Sourced<MountRequest>, Sourced<MountRequest>], what: string, remedy: string) {
  const [first, second] = two.map(({ value, origin }) => `${quoted(value.source)} (${origin})`);
  return new WorkcellError("WC_MOUNT", { message: `Cannot connect ${first} and ${second}: ${what}`, remedy });
}

/** Outside cowork a folder stands at its own path. What is no mode by a slip of the finger is taken for a name, too. */
function refuseName({ value, origin }: Sourced<MountRequest>): void {
  if (value.name === undefined) return;
  throw invalidValue({
    what: "mount",
    value: `${value.source}:${value.name}`,
    origin,
    problem: `${quoted(value.name)} is no mode (ro, review, auto or rw), and a name has no effect outside the profile cowork`,
    remedy: "Leave the name out, or use --profile cowork",
  });
}

/** In cowork two folders of one name would hide each other; one folder twice would have two modes. */
function checkMounts(
  mounts: readonly Sourced<MountRequest>[],
  profile: Settings["profile"]["value"],
  cwd: string,
): void {
  const byPlace = new Map<string, Sourced<MountRequest>>();
  const byName = new Map<string, Sourced<MountRequest>>();
  for (const mount of mounts) {
    const place = path.resolve(cwd, mount.value.source);
    const name = mountName(mount.value, cwd);
    const samePlace = byPlace.get(place);
    const sameName = byName.get(name);
    if (samePlace !== undefined) {
      throw clash([samePlace, mount], "both are the same folder", "Connect the folder once, in one mode");
    }
    if (profile !== "cowork") refuseName(mount);
    const problem = problemOfName(name);
    if (problem !== undefined) {
      const remedy =
        profile === "cowork"
          ? `Give it a name, like src=${mount.value.source},name=folder,mode=ro`
          : "Rename the folder: mv -- OLD NEW";
      throw invalidValue({ what: "mount", value: mount.value.source, origin: mount.origin, problem, remedy });
    }
    if (profile === "cowork" && sameName !== undefined) {
      const remedy = `Give one of them a name of its own, like ${mount.value.source}:other:ro`;
      throw clash([sameName, mount], `both are called ${quoted(name)}`, remedy);
    }
    byPlace.set(place, mount);
    byName.set(name, mount);
  }
}

/** The folders that somebody named, and the implied ones that nobody did. */
function namedFirst(mounts: readonly Sourced<MountRequest>[], cwd: string): readonly Sourced<MountRequest>[] {
  const placeOf = ({ value }: Sourced<MountRequest>) => path.resolve(cwd, value.source);
  const named = new Set(mounts.filter(({ value }) => value.implied !== true).map(placeOf));
  return mounts.filter((mount) => mount.value.implied !== true || !named.has(placeOf(mount)));
}

/** Lists that hardly any run has. */
const rareLists = ["allowPaths", "pathRules", "hiddenVariables", "differences"] as const;

/** Known, and refused where they do not fit, so that nobody believes to have what is not there. */
function checkFit({ profile, tunnel, tier }: Pick<Settings, "profile" | "tunnel" | "tier">): void {
  if (profile.value === "cowork" && tunnel.value === "direct") {
    const problem = "the profile cowork is the reference, whose tunnel is socat";
    throw invalidValue({
      what: "tunnel",
      ...tunnel,
      problem,
      remedy: "Leave --tunnel out, or use --profile standard",
    });
  }
  const problem = "not built yet";
  if (tier.value === "vm") {
    throw invalidValue({ what: "tier", ...tier, problem, remedy: "Use --tier process, or leave it out" });
  }
}

/** Single values that a cell may be without. */
const optionalKeys = [
  "workdir",
  "timeoutMs",
  "session",
  "cpus",
  "memoryBytes",
  "pids",
  "diskBytes",
  "outputBytes",
  "idleMs",
  "refuseUnixSockets",
] as const;

type ScalarKey = "tunnel" | "tier" | "uidRange";

/**
 * Puts the layers together, weakest first. Of a single value the strongest stands; lists add up. Presets and
 * variables are kept once a name, with the strongest origin.
 */
export function mergeLayers(layers: readonly Layer[], cwd: string): Settings {
  const profile = layers.findLast((layer) => layer.profile)?.profile ?? defaultProfile;
  const base = profileLayer(profile.value);
  const all: readonly Layer[] = [base, ...layers];
  const strongest = <K extends ScalarKey>(key: K) => all.findLast((layer) => layer[key])?.[key];
  const optional: Partial<Settings> = Object.assign(
    {},
    ...optionalKeys.map((key) => {
      const value = all.findLast((layer) => layer[key])?.[key];
      return value && { [key]: value };
    }),
  );
  const rare: Partial<Settings> = Object.assign(
    {},
    ...rareLists.map((key) => {
      const entries = all.flatMap((layer): readonly unknown[] => layer[key] ?? []);
      return entries.length > 0 && { [key]: entries };
    }),
  );
  const routes = lastOfEach(
    all.flatMap((layer) => layer.routes ?? []),
    ({ value }) => value.name,
  );
  const waive = lastOfEach(
    all.flatMap((layer) => layer.waive ?? []),
    ({ value }) => value,
  );
  const settings = {
    profile,
    tunnel: strongest("tunnel") ?? base.tunnel,
    tier: strongest("tier") ?? base.tier,
    allowHosts: all.flatMap((layer) => layer.allowHosts ?? []),
    denyHosts: all.flatMap((layer) => layer.denyHosts ?? []),
    presets: lastOfEach(
      all.flatMap((layer) => layer.presets ?? []),
      (preset) => preset.value,
    ),
    mounts: namedFirst(
      all.flatMap((layer) => layer.mounts ?? []),
      cwd,
    ),
    environment: lastOfEach(
      all.flatMap((layer) => layer.environment ?? []),
      ({ value }) => value.name,
    ),
    uidRange: strongest("uidRange") ?? defaultUidRange,
    ...optional,
    ...rare,
    ...(waive.length > 0 && { waive }),
    ...(routes.length > 0 && { routes }),
  };
  checkFit(settings);
  checkMounts(settings.mounts, profile.value, cwd);
  return settings;
}
