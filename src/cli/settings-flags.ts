import type { SettingsFlags } from "../settings/index.ts";
import type { Flag, FlagValues } from "./command.ts";

/** The flags that become settings; every command that starts or describes a cell takes them. */
export const settingsFlags: readonly Flag[] = [
  {
    ...{ name: "mount", short: "m", value: "DIR[:NAME][:MODE]", repeat: true, group: "Everyday" },
    help: "connect a folder; MODE is review (changes wait for you; when none is said), auto (applied at the end), ro or rw (live)",
  },
  {
    ...{ name: "preset", value: "NAMES", repeat: true, group: "Everyday" },
    help: "allow what the host's own tools are set up for: npm,pip,apt,git",
  },
  {
    ...{ name: "allow-host", value: "PATTERN", repeat: true, group: "Everyday" },
    help: "let connections to this host through, e.g. *.example.org:443",
  },
  {
    ...{ name: "env", short: "e", value: "NAME[=V]", repeat: true, group: "Everyday" },
    help: "set a variable, or pass the host's value in",
  },
  {
    ...{ name: "session", value: "NAME", group: "Everyday" },
    help: "a session that stays, home and disk included, instead of a fresh one",
  },
  {
    ...{ name: "workdir", short: "w", value: "DIR", group: "Folders" },
    help: "start in this folder of the cell, not in the first that is connected",
  },
  {
    ...{ name: "allow-path", value: "PATH", repeat: true, group: "Folders" },
    help: "let the command write to this protected path of a folder connected rw, e.g. .git/hooks",
  },
  {
    ...{ name: "deny-host", value: "PATTERN", repeat: true, group: "Network" },
    help: "refuse this host, whatever allows it",
  },
  {
    ...{ name: "tunnel", value: "TUNNEL", group: "Network" },
    help: "how the cell reaches the gate: direct or socat",
  },
  {
    ...{ name: "timeout", value: "DURATION", group: "Limits" },
    help: "end the command after this time: 500ms, 30s, 5m, 2h",
  },
  {
    ...{ name: "idle", value: "DURATION", group: "Limits" },
    help: "end the command when nothing comes in or out for this time",
  },
  {
    ...{ name: "memory", value: "SIZE", group: "Limits" },
    help: "memory, e.g. 512M or 2.8G (powers of 1024); 4G or half the host's when not said",
  },
  {
    ...{ name: "cpus", value: "N", group: "Limits" },
    help: "CPUs' worth of time, e.g. 2 or 0.5; 4 or all there are when not said",
  },
  {
    ...{ name: "pids", value: "N", group: "Limits" },
    help: "processes and threads together; 512 when not said",
  },
  {
    ...{ name: "disk", value: "SIZE", group: "Limits" },
    help: "disk of the session, e.g. 500M; 10 GB when not said",
  },
  {
    ...{ name: "output", value: "SIZE", group: "Limits" },
    help: "end the command after so much output",
  },
  {
    ...{ name: "profile", value: "PROFILE", group: "Session and settings" },
    help: "a named set of settings: standard, used when none is named, or cowork (the reference)",
  },
  {
    ...{ name: "settings", value: "FILE", group: "Session and settings" },
    help: "read settings from this file too",
  },
  {
    ...{ name: "tier", value: "TIER", group: "Unusual" },
    help: "what separates the cell from the host: process",
  },
  {
    ...{ name: "uid-range", value: "FIRST-LAST", group: "Unusual" },
    help: "host uids that root's sessions run as",
  },
  {
    ...{ name: "waive", value: "NAME", repeat: true, group: "Unusual" },
    help: "do without this limit: memory, swap, pids, cpus, disk; landlock where the kernel has none",
  },
];

/** Some of the settings flags, in the order of the list: for a command that needs a few. */
export function settingsFlagsNamed(...names: readonly string[]): readonly Flag[] {
  return settingsFlags.filter((flag) => names.includes(flag.name));
}

const single = [
  ...["workdir", "profile", "tunnel", "tier", "settings", "timeout", "session"],
  ...["cpus", "memory", "pids", "disk", "output", "idle"],
];

/** What the person gave on the command line, as readSettings takes it. */
export function readSettingsFlags(values: FlagValues): SettingsFlags {
  const given = single.flatMap((name) => {
    const text = values.text(name);
    return text === undefined ? [] : [[name, text] as const];
  });
  const uidRange = values.text("uid-range");
  const waive = values.all("waive");
  const allowPaths = values.all("allow-path");
  return {
    ...Object.fromEntries(given),
    ...(uidRange === undefined ? {} : { uidRange }),
    ...(waive.length === 0 ? {} : { waive }),
    ...(allowPaths.length === 0 ? {} : { allowPaths }),
    allowHosts: values.all("allow-host"),
    denyHosts: values.all("deny-host"),
    presets: values.all("preset"),
    mounts: values.all("mount"),
    environment: values.all("env"),
  };
}
