import { expect, test } from "vitest";
import type { HostFacts, PresetFacts, Settings } from "../model/index.ts";
import { buildNetworkPolicy, buildPolicy } from "./build-policy.ts";

const from = <T>(value: T, origin = "built in") => ({ value, origin });

const settings: Settings = {
  profile: from("cowork"),
  tunnel: from("socat"),
  tier: from("process"),
  allowHosts: [from("a.example", "flag --allow-host")],
  denyHosts: [from("*.bad.example", "settings")],
  presets: [from("npm", "profile cowork"), from("git", "flag --preset"), from("pip", "profile cowork")],
  mounts: [from({ source: ".", mode: "rw" }, "flag --mount")],
  environment: [],
  uidRange: from({ first: 1, last: 2 }),
};

const presets: readonly PresetFacts[] = [
  { preset: "npm", found: true, hosts: ["registry.example:4873"], environment: {} },
  { preset: "git", found: true, hosts: ["git.example"], environment: {} },
  { preset: "pip", found: false, hosts: ["never.example"], environment: {} },
  { preset: "apt", found: true, hosts: ["unasked.example"], environment: {} },
];

test("buildNetworkPolicy() makes rules of flags and of the tools the host has, each with its origin", () => {
  const git = { kind: "name", host: "git.example", port: undefined, text: "git.example" };
  const named = { effect: "allow", pattern: git, origin: "flag --preset, preset git", named: true };
  expect(buildNetworkPolicy(settings, presets)).toEqual({
    rules: [
      {
        effect: "deny",
        pattern: { kind: "suffix", suffix: "bad.example", port: undefined, text: "*.bad.example" },
        origin: "settings",
        named: false,
      },
      {
        effect: "allow",
        pattern: { kind: "name", host: "a.example", port: undefined, text: "a.example" },
        origin: "flag --allow-host",
        named: false,
      },
      {
        effect: "allow",
        pattern: { kind: "name", host: "registry.example", port: 4873, text: "registry.example:4873" },
        origin: "profile cowork, preset npm",
        named: true,
        methods: ["GET", "HEAD"],
      },
      { ...named, methods: ["GET", "HEAD"] },
      { ...named, methods: ["POST"], paths: ["/git-upload-pack"] },
    ],
  });
});

const facts = (folders: HostFacts["folders"]) => ({ presets: [], folders }) as unknown as HostFacts;
const folder = (realPath: string) => ({ realPath, uid: 1, gid: 1, device: 1, inode: 1 });

test("buildPolicy() names a folder after its real path, unless it has a name", () => {
  expect(buildPolicy(settings, facts({ ".": folder("/srv/job") })).folders).toEqual([
    { source: "/srv/job", name: "job", mode: "rw", origin: "flag --mount" },
  ]);
});

test("buildPolicy() refuses a folder that was not found, and two folders of one name", () => {
  expect(() => buildPolicy(settings, facts({}))).toThrow(
    'Cannot connect "." (flag --mount): no such folder was found, and a folder is needed',
  );
  const two = {
    ...settings,
    mounts: [...settings.mounts, from({ source: "x", name: "job", mode: "ro" as const })],
  };
  expect(() => buildPolicy(two, facts({ ".": folder("/srv/job"), x: folder("/x") }))).toThrow(
    'Cannot connect "/x" (built in): the name "job" is taken by "/srv/job" (flag --mount), and each needs its own',
  );
});
