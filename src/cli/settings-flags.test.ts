import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { parseFlags } from "./parse-flags.ts";
import { readSettingsFlags, settingsFlags, settingsFlagsNamed } from "./settings-flags.ts";

const command: Command = {
  name: "any",
  summary: "",
  usage: "",
  flags: settingsFlags,
  example: "",
  commandFollows: true,
  run: async () => 0,
};

const read = (...argv: readonly string[]) => readSettingsFlags(parseFlags(command, argv).flags);

test("readSettingsFlags() of no flags is empty lists alone", () => {
  expect(read("true")).toEqual({ allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] });
});

test("readSettingsFlags() reads every settings flag", () => {
  const argv = settingsFlags.flatMap(({ name, repeat }) =>
    repeat ? [`--${name}`, `${name} 1`, `--${name}=${name} 2`] : [`--${name}`, `${name} 1`],
  );
  expect(read(...argv)).toEqual({
    profile: "profile 1",
    tunnel: "tunnel 1",
    tier: "tier 1",
    settings: "settings 1",
    workdir: "workdir 1",
    timeout: "timeout 1",
    session: "session 1",
    uidRange: "uid-range 1",
    cpus: "cpus 1",
    memory: "memory 1",
    pids: "pids 1",
    disk: "disk 1",
    output: "output 1",
    idle: "idle 1",
    waive: ["waive 1", "waive 2"],
    allowHosts: ["allow-host 1", "allow-host 2"],
    denyHosts: ["deny-host 1", "deny-host 2"],
    allowPaths: ["allow-path 1", "allow-path 2"],
    presets: ["preset 1", "preset 2"],
    mounts: ["mount 1", "mount 2"],
    environment: ["env 1", "env 2"],
  });
});

test("readSettingsFlags() reads the short forms", () => {
  expect(read("-m", ".:rw", "-m./x:ro", "-w", "/a", "-eA=1", "true")).toEqual({
    workdir: "/a",
    allowHosts: [],
    denyHosts: [],
    presets: [],
    mounts: [".:rw", "./x:ro"],
    environment: ["A=1"],
  });
});

test("settingsFlagsNamed() gives those that are named, in the order of the list", () => {
  expect(settingsFlagsNamed("preset", "mount").map(({ name }) => name)).toEqual(["mount", "preset"]);
});
