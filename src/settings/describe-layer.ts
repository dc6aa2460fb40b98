import type { Sourced } from "../model/index.ts";
import type { FolderFile } from "./folder-file.ts";
import type { Layer } from "./layer.ts";

function joined(entries: readonly Sourced<string>[] = []): string {
  return entries.map(({ value }) => value).join(", ");
}

/** Units from the largest; a value is written in the first that divides it. */
type Units = readonly (readonly [unit: string, size: number])[];

const times: Units = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];
const sizes: Units = [
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["bytes", 1],
];
const counts: Units = [["", 1]];

/** A value exactly, as a person would write it. */
function amount(setting: Sourced<number> | undefined, units: Units): string {
  if (setting === undefined) return "";
  const [unit, size] = units.find(([, one]) => setting.value % one === 0) ?? ["", 1];
  return `${setting.value / size} ${unit}`.trim();
}

/** Limits that a layer sets. */
function describeLimits(layer: Layer): readonly (readonly [string, string])[] {
  const { cpus, memoryBytes, pids, diskBytes, outputBytes, idleMs } = layer;
  return [
    ["limit CPUs to", amount(cpus, counts)],
    ["limit memory to", amount(memoryBytes, sizes)],
    ["limit processes to", amount(pids, counts)],
    ["limit the disk to", amount(diskBytes, sizes)],
    ["end the command after output of", amount(outputBytes, sizes)],
    ["end the command when idle for", amount(idleMs, times)],
  ];
}

/** What a layer does to a run, in the order of how much the person should mind; empty: nothing. */
function describeLayer(layer: Layer): readonly string[] {
  const variables = layer.environment ?? [];
  const passed = variables.flatMap(({ value }) => (value.value === undefined ? [value.name] : []));
  const set = variables.flatMap(({ value: { name, value } }) => (value === undefined ? [] : [name]));
  const lines: readonly (readonly [string, string])[] = [
    ["let connections through to", joined(layer.allowHosts)],
    ["allow what the host is set up for", joined(layer.presets)],
    ["pass in the host's variables", passed.join(", ")],
    ...(layer.mounts ?? []).map(({ value }) => [`connect a folder (${value.mode})`, value.source] as const),
    ["let commands write to what is protected", joined(layer.allowPaths)],
    ["set variables", set.join(", ")],
    ["refuse connections to", joined(layer.denyHosts)],
    ["use the profile", layer.profile?.value ?? ""],
    ["use the tunnel", layer.tunnel?.value ?? ""],
    ["use the tier", layer.tier?.value ?? ""],
    ["start in", layer.workdir?.value ?? ""],
    ["end the command after", amount(layer.timeoutMs, times)],
    ...describeLimits(layer),
  ];
  return lines.flatMap(([what, value]) => (value === "" ? [] : [`${what}: ${value}`]));
}

/** What a folder's own settings file would do, one line each. Throws WC_SETTINGS when the file cannot be used. */
export async function describeFolderFile(file: FolderFile): Promise<readonly string[]> {
  // With it comes the schema library, which a run without settings files does without.
  const { folderLayer } = await import("./folder-layer.ts");
  return describeLayer(folderLayer(file));
}
