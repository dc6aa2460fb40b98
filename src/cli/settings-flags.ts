import type { SettingsFlags } from "../settings/index.ts";
import type { Flag, FlagValues } from "./command.ts";

/** The flags that become settings; every command that starts or describes a cell takes them. */
export const settingsFlags: readonly Flag[] = [
  {
    name: "mount",
    short: "m",
    value: "DIR[:NAME][:MODE]",
    repeat: true,
    help: "connect a folder; MODE is review (changes wait for you; when none is said), auto, ro or rw",
  },
  { name: "workdir", short: "w", value: "DIR", help: "start in this folder of the cell" },
  {
    name: "env",
    short: "e",
    value: "NAME[=V]",
    repeat: true,
    help: "set a variable, or pass the host's value in",
  },
  {
    name: "allow-host",
    value: "PATTERN",
    repeat: true,
    help: "let connections to this host through, e.g. *.example.org:443",
  },
  { name: "deny-host", value: "PATTERN", repeat: true, help: "refuse this host, whatever allows it" },
  {
    name: "allow-path",
    value: "PATH",
    repeat: true,
    help: "let the command write to this protected path of a folder connected rw, e.g. .git/hooks",
  },
  {
    name: "preset",
    value: "NAMES",
    repeat: true,
    help: "allow what the host's own tools are set up for: npm,pip,apt,git",
  },
  { name: "profile", value: "PROFILE", help: "cowork (the reference) or standard, used when none is named" },
  { name: "tunnel", value: "TUNNEL", help: "how the cell reaches the gate: direct or socat" },
  { name: "tier", value: "TIER", help: "what separates the cell from the host: process" },
  { name: "settings", value: "FILE", help: "read settings from this file too" },
  { name: "timeout", value: "DURATION", help: "end the command after this time: 500ms, 30s, 5m, 2h" },
  { name: "cpus", value: "N", help: "CPUs' worth of time, e.g. 2 or 0.5; 4 or all there are when not said" },
  { name: "memory", value: "SIZE", help: "memory, e.g. 512M or 2.8G (powers of 1024)" },
  { name: "pids", value: "N", help: "processes and threads together; 512 when not said" },
  { name: "disk", value: "SIZE", help: "disk of the session, e.g. 500M; 10 GB when not said" },
  { name: "output", value: "SIZE", help: "end the command after so much output" },
  { name: "idle", value: "DURATION", help: "end the command when nothing comes in or out for this time" },
  {
    name: "waive",
    value: "NAME",
    repeat: true,
    help: "do without this limit: memory, swap, pids, cpus, disk; landlock where the kernel has none",
  },
  { name: "session", value: "NAME", help: "run in this session instead of a fresh one" },
  { name: "uid-range", value: "FIRST-LAST", help: "host uids that root's sessions run as" },
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
